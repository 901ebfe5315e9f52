"""Linear light of sRGB samples (IEC 61966-2-1), for metrics."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
"""Array of NumPy or tensor of torch, of floating point."""
_DARK = 0.04045 * 255
"""Samples up to it are proportional to their light."""


def to_linear(x: Array) -> Array:
    """Convert sRGB samples, 0 … 255, to linear light, 0 … 1."""
    low = x <= _DARK
    power = ((x.clip(_DARK) * (1 / 255) + 0.055) * (1 / 1.055)) ** 2.4
    return low * (x * (1 / (12.92 * 255))) + ~low * power


def to_linear_slope(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Convert float32 samples as :func:`to_linear` does, and return the slope by every sample, too."""
    low = x <= _DARK
    base = (x.clip(_DARK) * np.float32(1 / 255) + np.float32(0.055)) * np.float32(1 / 1.055)
    steep = base ** np.float32(1.4)
    linear = np.where(low, x * np.float32(1 / (12.92 * 255)), base * steep)
    return linear, np.where(low, np.float32(1 / (12.92 * 255)), steep * np.float32(2.4 / (1.055 * 255)))
