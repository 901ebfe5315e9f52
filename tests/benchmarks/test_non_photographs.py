from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from aez.benchmarks.non_photographs import PICTURES, SIZE, command


def test_pictures_are_drawn_alike_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a", "b"):
        assert CliRunner().invoke(command, [str(tmp_path / name)]).exit_code == 0
    for name in PICTURES:
        one, other = (np.asarray(Image.open(tmp_path / folder / f"{name}.png")) for folder in ("a", "b"))
        assert np.array_equal(one, other)
        assert one.shape == (SIZE[1], SIZE[0], 3) and one.std() > 10
