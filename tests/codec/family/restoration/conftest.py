from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

Samples = NDArray[np.uint8]


@pytest.fixture(scope="session")
def cat() -> Samples:
    """Return a photograph of 128×160 pixels: fur, an eye, an ear."""
    samples: Samples = data.chelsea()[60:188, 100:260]  # type: ignore[no-untyped-call]
    return samples


@pytest.fixture(scope="session")
def with_noise() -> Callable[[Samples, float], Samples]:
    """Return a function that adds Gaussian noise of a given σ and rounds to 8 bits."""

    def add(samples: Samples, sigma: float) -> Samples:
        noise = np.random.default_rng(0).normal(0, sigma, samples.shape)
        out: Samples = (samples + noise).round().clip(0, 255).astype(np.uint8)
        return out

    return add


@pytest.fixture(scope="session")
def noisy(cat: Samples, with_noise: Callable[[Samples, float], Samples]) -> Samples:
    """Return the photograph with noise of σ = 25."""
    return with_noise(cat, 25)


@pytest.fixture(scope="session")
def psnr() -> Callable[[Samples, Samples], float]:
    """Return the PSNR of two arrays in dB."""

    def measure(a: Samples, b: Samples) -> float:
        return float(10 * np.log10(255**2 / np.square(a.astype(float) - b).mean()))

    return measure
