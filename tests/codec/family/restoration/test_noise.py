import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.restoration import estimate_sigma

from aez.codec.family.restoration import noise
from aez.codec.family.restoration.noise import noise_level, noise_levels

pytestmark = pytest.mark.torch

Samples = NDArray[np.uint8]


def flat(*levels: int, side: int = 256) -> Samples:
    return np.full((side, side, len(levels)), levels, np.uint8)


def with_noise(samples: Samples, sigma: object) -> Samples:
    drawn = np.random.default_rng(1).normal(0, 1, samples.shape) * np.asarray(sigma)
    return (samples + drawn).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [1.0, 5.0, 15.0, 25.0])
def test_flat_pictures(sigma: float) -> None:
    assert noise_level(with_noise(flat(128, 128, 128), sigma)) == pytest.approx(sigma, rel=0.03)


def test_each_colour_has_its_own() -> None:
    levels = noise_levels(with_noise(flat(100, 128, 150), (3.0, 9.0, 18.0)))
    assert levels == pytest.approx((3, 9, 18), rel=0.05)
    assert noise_level(with_noise(flat(100, 128, 150), (3.0, 9.0, 18.0))) == pytest.approx(np.sqrt(138), rel=0.05)


@pytest.mark.parametrize("sigma", [10.0, 25.0, 40.0])
def test_photographs(photo: Samples, sigma: float) -> None:
    assert noise_level(with_noise(photo, sigma)) == pytest.approx(sigma, rel=0.1)


def test_is_the_estimate_of_scikit_image(photo: Samples) -> None:
    crop = with_noise(photo[100:228, 100:228].clip(60, 190), 10)
    theirs = estimate_sigma(crop.astype(float), channel_axis=2)  # type: ignore[no-untyped-call]
    assert noise_levels(crop) == pytest.approx(theirs, rel=0.05)


def test_edges_and_slopes_are_not_noise() -> None:
    ramp = np.add.outer(np.arange(128), np.arange(128)).astype(np.uint8)
    ramp[:, 64:] //= 2
    assert noise_level(ramp) < 1


def test_clipped_samples_do_not_count() -> None:
    picture = with_noise(flat(128), 12)
    picture[:, :180] = 255
    assert noise_level(picture) == pytest.approx(12, rel=0.05)


def test_only_what_is_seen_counts() -> None:
    picture = with_noise(flat(128), 12)
    picture[:, :200] = 77
    seen = np.zeros((256, 256), bool)
    seen[:, 200:] = True
    assert noise_level(picture) < 1
    assert noise_level(picture, seen) == pytest.approx(12, rel=0.05)


def test_large_pictures_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "_COEFFICIENTS", 2000)
    assert noise_level(with_noise(flat(128), 12)) == pytest.approx(12, rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 50), (50, 3, 3), (4, 4)])
def test_tiny_pictures(shape: tuple[int, ...]) -> None:
    assert noise_level(np.full(shape, 9, np.uint8)) == 0
