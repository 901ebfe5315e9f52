"""The distortion of a decoded window, by which corrections go."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec import api
from aez.codec.codec import Codec
from aez.codec.encoding.distortion import Errors, errors_of
from aez.codec.encoding.effort import Effort
from aez.codec.geometry.grid import Grid
from aez.codec.picture.perception import perceptual_slope
from tests.codec.stages import setting_of

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def default() -> Codec:
    return api.load()


def compared(codec: Codec, pixels: Photo, decoded: NDArray[np.float32], effort: Effort) -> Errors:
    """The errors of a whole picture, decoded to whole latents."""
    grid = Grid(*pixels.shape[:2])
    whole = grid.latents_of(grid.cells)
    levels = np.pad(decoded, [(0, -side % 16) for side in pixels.shape[:2]] + [(0, 0)], mode="edge")
    return errors_of(setting_of(codec, 60, effort), levels, pixels, whole, whole, whole)


@pytest.fixture
def pair(photo: Photo) -> tuple[Photo, NDArray[np.float32]]:
    """A picture of odd sides, decoded with noise and with a few samples that are far off."""
    pixels = np.ascontiguousarray(photo[100:299, 50:351])
    noise = np.random.default_rng(0).normal(0, 4, pixels.shape)
    noise[50:52, 60:62] = 90
    return pixels, (pixels + noise).clip(0, 255).astype(np.float32)


def test_squared_errors_are_differences(default: Codec, pair: tuple[Photo, NDArray[np.float32]]) -> None:
    pixels, decoded = pair
    found = compared(default, pixels, decoded, Effort(0.0, squared=True))
    difference = (decoded - pixels) / 255
    assert np.allclose(found.samples[:199, :301], difference, atol=1e-6)
    assert not found.samples[199:].any() and not found.samples[:, 301:].any()
    assert found.total == pytest.approx(np.square(difference).sum(), rel=1e-4)
    patch = found.patches()[20].reshape(16, 16, 3)  # the second latent of the second row of 19
    assert np.array_equal(patch, found.samples[16:32, 16:32])


def test_perceptual_errors_follow_the_slope_without_outliers(
    default: Codec, pair: tuple[Photo, NDArray[np.float32]]
) -> None:
    pixels, decoded = pair
    found = compared(default, pixels, decoded, Effort(0.0))
    distortion, slope = perceptual_slope(decoded, pixels)
    inside = found.samples[:199, :301]
    assert found.total == pytest.approx(distortion * pixels.size)
    assert np.square(inside).sum() == pytest.approx(np.square((decoded - pixels) / 255).sum(), rel=1e-3)
    assert np.abs(slope).max() > 20 * np.abs(slope).mean()
    assert np.abs(inside).max() < 3 * np.abs(inside).mean()
    assert np.array_equal(np.sign(inside), np.sign(slope))


def test_a_perfect_picture_has_no_errors(default: Codec, photo: Photo) -> None:
    pixels = np.ascontiguousarray(photo[:64, :48])
    for effort in (Effort(0.0), Effort(0.0, squared=True)):
        found = compared(default, pixels, pixels.astype(np.float32), effort)
        assert found.total == pytest.approx(0, abs=1e-4) and np.isfinite(found.samples).all()
