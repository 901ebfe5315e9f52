from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez import codec
from aez.bitstream.errors import ImageError
from aez.codec.family.restoration.enlarge import enlarged, twice
from aez.codec.family.restoration.prior import load_prior
from aez.codec.picture.picture import Picture

pytestmark = pytest.mark.torch

Samples = NDArray[np.uint8]


def resized(samples: Samples, width: int, height: int) -> Samples:
    out: Samples = np.asarray(Image.fromarray(samples).resize((width, height), Image.Resampling.BICUBIC))
    return out


def test_better_than_bicubic_and_true_to_the_picture(cat: Samples, psnr: Any) -> None:
    half = resized(cat, 80, 64)
    bicubic, made = resized(half, 160, 128), codec.enlarge(half)
    assert made.shape == cat.shape
    assert psnr(cat, made) > psnr(cat, bicubic) + 0.3
    assert psnr(half, resized(made, 80, 64)) > psnr(half, resized(bicubic, 80, 64)) + 3
    assert (codec.enlarge(half, steps=0) == bicubic).all()


def test_windows_fade_into_each_other(cat: Samples, psnr: Any) -> None:
    half = np.ascontiguousarray(cat[:120, :150])
    prior = load_prior(80.0)
    whole = twice(prior, half, 4)
    parts = twice(prior, half, 4, window=64, whole=0)
    assert psnr(whole, parts) > 40
    assert np.abs(whole.astype(int) - parts).max() < 24


def test_grey_alpha_and_pillow(cat: Samples) -> None:
    grey = np.asarray(Image.fromarray(cat[:31, :45]).convert("L"))
    both = codec.enlarge(np.dstack([grey, 255 - grey]), steps=2)
    assert both.shape == (62, 90, 2)
    assert (both[:, :, 1] == resized(255 - grey, 90, 62)).all()
    picture = codec.enlarge(Image.fromarray(grey), steps=2)
    assert (picture.mode, picture.size) == ("L", (90, 62))
    assert (np.asarray(picture) == both[:, :, 0]).all()


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 70, 3), (33, 2)])
def test_small_pictures(shape: tuple[int, ...]) -> None:
    made = codec.enlarge(np.full(shape, 120, np.uint8), steps=2)
    assert made.shape == (2 * shape[0], 2 * shape[1], *shape[2:])
    assert np.abs(made.astype(int) - 120).max() < 12


def test_errors(cat: Samples) -> None:
    with pytest.raises(ValueError, match="negative"):
        codec.enlarge(cat, steps=-1)
    with pytest.raises(ImageError, match="sides are at most 65535"):
        enlarged(Picture(np.zeros((1, 32768, 3), np.uint8)))
