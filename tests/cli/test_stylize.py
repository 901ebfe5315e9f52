from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez import codec

pytestmark = pytest.mark.torch


@pytest.fixture
def place(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    Image.fromarray(photo[:70, 180:276]).save(tmp_path / "a.png")
    Image.fromarray(photo[300:460, 100:260]).save(tmp_path / "manner.jpg")
    return tmp_path


def test_pictures(aez: Any, place: Path) -> None:
    result = aez("stylize", place / "a.png", "--style", place / "manner.jpg", "-o", place / "out.png")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"{place / 'a.png'} → {place / 'out.png'}: 96×70, ")
    with Image.open(place / "out.png") as made, Image.open(place / "a.png") as content:
        assert made.size == content.size
        assert np.abs(np.asarray(made).astype(int) - np.asarray(content)).mean() > 5


def test_strength_zero_gives_the_content_back(aez: Any, place: Path) -> None:
    arguments = ("stylize", place / "a.png", "--style", place / "manner.jpg", "--strength", "0", "-o")
    assert aez(*arguments, place / "out.png").code == 0
    with Image.open(place / "out.png") as made, Image.open(place / "a.png") as content:
        assert np.array_equal(np.asarray(made), np.asarray(content))


def test_aez_in_and_out(aez: Any, place: Path) -> None:
    (place / "a.aez").write_bytes(codec.encode(Image.open(place / "a.png"), 80))
    arguments = ("--style", place / "manner.jpg", "-q", "60", "-o", place / "out.aez")
    assert aez("stylize", place / "a.aez", *arguments).code == 0
    facts = codec.info((place / "out.aez").read_bytes())
    assert (facts["width"], facts["height"]) == (96, 70)
    assert facts["quality"] == pytest.approx(60, abs=0.1)


def test_what_is_wrong_is_said(aez: Any, place: Path) -> None:
    style = ("--style", place / "manner.jpg")
    for arguments, message in (
        ((place / "none.png", *style, "-o", place / "o.png"), "none.png: no such file"),
        ((place / "a.png", "--style", place / "none.png", "-o", place / "o.png"), "none.png: no such file"),
        ((place / "a.png", *style, "-o", place / "a.png"), "the output would replace the input"),
        ((place / "a.png", *style, "-o", place / "manner.jpg"), "the output would replace the input"),
        ((place / "a.png", *style, "-o", place / "o.xyz"), "cannot write pictures with the suffix"),
        ((place / "a.png", *style, "--max-pixels", "100", "-o", place / "o.png"), "above the limit of 100"),
    ):
        result = aez("stylize", *arguments)
        assert result.code == 1 and message in result.err and result.err.count("\n") == 1
    (place / "bad.aez").write_bytes(codec.encode(Image.open(place / "a.png"))[:-9])
    result = aez("stylize", place / "bad.aez", *style, "-o", place / "o.png")
    assert result.code == 1 and "bad.aez" in result.err
    assert aez("stylize", place / "a.png", *style, "--strength", "2", "-o", place / "o.png").code == 2
    assert sorted(path.name for path in place.iterdir()) == ["a.png", "bad.aez", "manner.jpg"]
    (place / "o.png").write_bytes(b"mine")
    assert "exists already" in aez("stylize", place / "a.png", *style, "-o", place / "o.png").err
    assert (place / "o.png").read_bytes() == b"mine"
