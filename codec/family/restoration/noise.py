"""Estimate the noise of a picture with the robust estimator of Donoho & Johnstone (Biometrika 1994)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# High-pass filter of Daubechies' wavelet with four taps, whose response to constant and linear parts is zero.
_ROOT = np.sqrt(3.0)
_HIGH_PASS = (np.array([1 - _ROOT, _ROOT - 3, 3 + _ROOT, -1 - _ROOT]) / (4 * np.sqrt(2))).astype(np.float32)
_TAPS = len(_HIGH_PASS)
_MEDIAN_OF_NORMAL = 0.6744897501960817
"""Median of the magnitude of a standard normal variable."""
_ROUNDING = 1 / 12
"""Variance that rounding to whole levels adds."""
_COEFFICIENTS = 2**21
"""Largest number of coefficients; of larger pictures, only some rows are used."""
_ENOUGH = 64


def noise_levels(samples: NDArray[np.uint8], seen: NDArray[np.bool_] | None = None) -> tuple[float, ...]:
    """Estimate the standard deviation of white noise in each colour, in levels of 0 … 255.

    σ̂ = median |d| / 0.6745 over the coefficients d of the finest diagonal wavelet band. The median is robust against
    the few large coefficients of edges. Fine texture counts as noise. Coefficients of samples at 0 or 255 are excluded
    if enough others remain, since the noise is clipped there.

    Args:
        samples: (H, W) or (H, W, C) uint8.
        seen: (H, W) mask of the pixels that count; None for all.

    Returns:
        One value per channel; 0 for pictures of fewer than 4 pixels per side.
    """
    planes = samples[:, :, None] if samples.ndim == 2 else samples
    return tuple(_level(planes[:, :, channel], seen) for channel in range(planes.shape[2]))


def noise_level(samples: NDArray[np.uint8], seen: NDArray[np.bool_] | None = None) -> float:
    """Estimate one σ for all colours, the root of their mean variance; arguments as for :func:`noise_levels`."""
    levels = np.array(noise_levels(samples, seen))
    return float(np.sqrt((levels**2).mean()))


def _level(plane: NDArray[np.uint8], seen: NDArray[np.bool_] | None) -> float:
    """Estimate σ of one (H, W) plane."""
    height, width = ((side - _TAPS) // 2 + 1 for side in plane.shape)
    if height < 1 or width < 1:
        return 0.0
    step = 2 * max(1, -(-height * width // _COEFFICIENTS))

    def phases(array: NDArray[Any], axis: int, count: int, stride: int) -> list[NDArray[Any]]:
        return [array.take(np.arange(tap, tap + 2 * count - 1, stride), axis) for tap in range(_TAPS)]

    def touching(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        rows = np.logical_or.reduce(phases(marked, 0, height, step))
        return np.asarray(np.logical_or.reduce(phases(rows, 1, width, 2)))

    band = np.tensordot(_HIGH_PASS, np.stack(phases(plane, 0, height, step)).astype(np.float32), 1)
    magnitude = np.abs(np.tensordot(_HIGH_PASS, np.stack(phases(band, 1, width, 2)), 1))
    cut = touching((plane == 0) | (plane == 255))
    if seen is not None and not (hidden := touching(~seen)).all():
        magnitude, cut = magnitude[~hidden], cut[~hidden]
    return _of(magnitude.ravel(), cut.ravel())


def _of(magnitude: NDArray[np.float32], cut: NDArray[np.bool_]) -> float:
    """Estimate σ from coefficients."""
    free = magnitude[~cut]
    used = free if len(free) >= min(_ENOUGH, len(magnitude)) else magnitude
    sigma = float(np.median(used)) / _MEDIAN_OF_NORMAL
    return float(np.sqrt(max(0.0, sigma**2 - _ROUNDING)))
