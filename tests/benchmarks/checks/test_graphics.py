"""The comparison of pictures that are not photographs."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.checks.graphics import command, saving
from aez.benchmarks.non_photographs import text_page

pytestmark = pytest.mark.torch


def test_sizes_are_compared_at_the_same_score() -> None:
    others = [{"score": 90.0, "bytes": 4000}, {"score": 50.0, "bytes": 1000}]  # half way 2000
    assert saving({"score": 70.0, "bytes": 1000}, others) == pytest.approx(0.5)
    assert saving({"score": 50.0, "bytes": 1100}, others) == pytest.approx(-0.1)
    assert saving({"score": 95.0, "bytes": 1000}, others) is None
    assert saving({"score": 40.0, "bytes": 1000}, others) is None


def test_a_drawing_has_a_layer_and_a_photograph_none(tmp_path: Path, tiny_path: Path, photo: NDArray[np.uint8]) -> None:
    Image.fromarray(photo[60:157, 180:311]).save(tmp_path / "photo.png")
    page = text_page(np.random.default_rng(1))
    page.crop((0, 0, 197, 131)).save(tmp_path / "page.png")
    out = tmp_path / "out.json"
    done = CliRunner().invoke(
        command, [str(tmp_path), "--model", str(tiny_path), "-q", "40", "--against", "90", "-o", str(out)]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())
    page_files, photo_files = found["page"], found["photo"]
    assert list(page_files["auto"]) == ["40", "90"]
    assert page_files["auto"]["90"]["layer"] and not page_files["photo"]["90"]["layer"]
    assert page_files["auto"]["90"]["bytes"] < page_files["photo"]["90"]["bytes"]
    assert page_files["lossless"] < page_files["webp"]
    assert not photo_files["auto"]["90"]["layer"]
    assert photo_files["auto"] == photo_files["photo"]
    page_row, photo_row = done.output.splitlines()[-2:]
    assert "(was " in page_row and "(was " not in photo_row
    assert f"{photo_files['webp']:,}" in photo_row
