"""Errors of contrast: what they count, how much of it, and their slope."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.codec.picture import contrast
from aez.codec.picture.contrast import contrast_slope
from aez.codec.picture.linear_light import to_linear

Photo = NDArray[np.uint8]


def errors(original: NDArray[np.generic], decoded: NDArray[np.generic]) -> float:
    """The errors of contrast of samples 0 … 255, (H, W, C)."""
    return contrast_slope(planes(original), planes(decoded))[0]


def planes(picture: NDArray[np.generic]) -> NDArray[np.float32]:
    """A picture in linear light, (C, H, W)."""
    light: NDArray[np.float32] = to_linear(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))
    return light


def weave(levels: float, rows: int = 121, columns: int = 135) -> NDArray[np.float32]:
    """A grey of 128 with stripes of six pixels."""
    wave = np.sin(np.arange(columns, dtype=np.float32) * np.float32(2 * np.pi / 6))
    return np.broadcast_to(128 + np.float32(levels) * wave[:, None], (rows, columns, 1))


def as_jpeg(picture: Photo, quality: int) -> Photo:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


@pytest.mark.parametrize(("quality", "expected"), [(20, 16.22), (50, 4.00)])
def test_it_agrees_with_colorvideovdp(photo: Photo, quality: int, expected: float) -> None:
    # Expected: the second band's luminance in `cvvdp` 0.5.7, display standard_4k.
    part = photo[20:213, 130:311]
    assert errors(part, as_jpeg(part, quality)) == pytest.approx(expected, rel=0.04)


def test_lost_texture_counts_by_its_contrast() -> None:
    strong, faint = (errors(weave(levels), weave(0)) for levels in (30, 4))
    assert strong > 5 * faint > 5
    assert errors(weave(30), weave(27)) < 0.02 * strong
    assert errors(weave(30), weave(30) + 3) < 0.1


def test_texture_masks_errors() -> None:
    noise = np.random.default_rng(0).normal(0, 6, weave(0).shape).astype(np.float32)
    beside, alone = (errors(weave(levels), weave(levels) + noise) for levels in (40, 0))
    assert beside < 0.5 * alone


@pytest.mark.parametrize(("rows", "columns", "channels"), [(57, 90, 3), (64, 33, 1), (8, 9, 3), (1, 5, 3), (1, 1, 1)])
def test_the_slope_is_that_of_the_errors(
    photo: Photo, monkeypatch: pytest.MonkeyPatch, rows: int, columns: int, channels: int
) -> None:
    # The slope leaves out what the mask owes to the decoded picture.
    monkeypatch.setattr(contrast, "MASK_SHARE", 0.0)
    original = planes(photo[100 : 100 + rows, 200 : 200 + columns, :channels])
    noise = np.random.default_rng(1).normal(0, 0.03, original.shape).astype(np.float32)
    decoded = (original * np.float32(0.9) + np.float32(0.01) + noise).clip(0, 1)
    before, slope = contrast_slope(original, decoded)
    assert slope.shape == original.shape
    assert np.isfinite(slope).all()
    direction = np.random.default_rng(2).normal(0, 1, original.shape).astype(np.float32)
    direction += slope * (np.linalg.norm(direction) / max(np.linalg.norm(slope), 1e-9))
    along = float((slope * direction).sum())
    if min(rows, columns) > 1:
        step = np.float32(0.01 * before / along)
        after = [contrast_slope(original, decoded + sign * step * direction)[0] for sign in (-1, 1)]
        assert (after[1] - after[0]) / 2 == pytest.approx(0.01 * before, rel=0.02)


@pytest.mark.parametrize("shape", [(8, 9), (13, 16), (1, 2), (2, 1)])
def test_both_steps_of_the_pyramid_have_their_transposes(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    large = random.normal(0, 1, shape).astype(np.float32)
    small = random.normal(0, 1, tuple((side + 1) // 2 for side in shape)).astype(np.float32)
    down, back = contrast._reduced(large), contrast._reduced_back(small, shape)
    assert (down * small).sum() == pytest.approx((large * back).sum(), rel=1e-4)
    up, back = contrast._expanded(small, shape), contrast._expanded_back(large)
    assert (up * large).sum() == pytest.approx((small * back).sum(), rel=1e-4)


def test_equal_and_saturated_pictures_have_a_finite_slope() -> None:
    for level in (0, 128, 255):
        flat, other = (planes(np.full((40, 41, 3), value)) for value in (level, 255 - level))
        error, slope = contrast_slope(flat, flat)
        assert error == pytest.approx(0, abs=1e-9)
        assert np.isfinite(slope).all()
        error, slope = contrast_slope(flat, other)
        assert np.isfinite(error)
        assert np.isfinite(slope).all()
