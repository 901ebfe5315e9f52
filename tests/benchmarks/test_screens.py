from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.screens import PHOTOS_NEEDED, PICTURES, command


@pytest.mark.slow
def test_pictures_are_drawn_alike_each_time(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(PHOTOS_NEEDED):
        Image.fromarray(np.roll(photo[:90, :120], 9 * number, 0)).save(photos / f"{number}.png")
    for name in ("a", "b"):
        result = CliRunner().invoke(command, [str(photos), str(tmp_path / name)])
        assert result.exit_code == 0, result.output
    for name in PICTURES:
        one, other = (np.asarray(Image.open(tmp_path / folder / f"{name}.png")) for folder in ("a", "b"))
        assert np.array_equal(one, other) and one.std() > 10


def test_too_few_photographs(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tmp_path), str(tmp_path / "out")])
    assert result.exit_code == 1 and "8 are needed" in str(result.exception)
