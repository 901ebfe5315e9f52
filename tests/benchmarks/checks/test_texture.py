"""The check of fine texture."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.checks.texture import command, kept_contrast


def ribs(contrast: float) -> NDArray[np.uint8]:
    """Red ribs of three pixels on the left of an odd-sized picture, flat on the right."""
    picture = np.full((67, 101, 3), (150, 40, 50), float)
    picture[:, :48, 0] += contrast * (2 * (np.arange(67) % 3 == 0) - 1)[:, None]
    return picture.round().astype(np.uint8)


@pytest.mark.parametrize(("contrast", "kept"), [(30, 1.0), (15, 0.5), (0, 0.0), (-15, -0.5)])
def test_contrast_that_is_kept(contrast: float, kept: float) -> None:
    found = kept_contrast(ribs(30), ribs(contrast))
    assert found.shape == (4 * 3,)  # of one channel; 3 columns of 4 blocks, and neither the flat part nor its borders
    assert found == pytest.approx(kept, abs=0.02)


def test_flat_pictures_and_soft_edges_have_no_texture() -> None:
    ramp = np.broadcast_to((2 * np.arange(101)).astype(np.uint8)[None, :, None], (67, 101, 3))
    assert len(kept_contrast(ribs(0), ribs(30))) == 0
    assert len(kept_contrast(ramp, ramp)) == 0


def test_the_command_compares_codecs(tmp_path: Path) -> None:
    Image.fromarray(ribs(30)).save(tmp_path / "ribs.png")
    Image.fromarray(ribs(0)).save(tmp_path / "flat.png")
    done = CliRunner().invoke(command, [str(tmp_path), "--rate", "0.5", "--rate", "20", "--codec", "jpeg-444"])
    assert done.exit_code == 0, done.output
    low, high = (line.split() for line in done.output.splitlines()[-2:])
    assert low[:3] == ["0.5", "jpeg-444", "12"] and low[3] != "0.0"
    assert high == ["20", "jpeg-444", "12", "0.0", "%"]
