"""Errors of local contrast in fine detail, as far as the contrast there does not mask them, and their slope.

A simplification of ColorVideoVDP (Mantiuk et al., ACM Transactions on Graphics 43, 2024) for one picture on a monitor
of 200 cd/m² in an office, 75 pixels to a degree. Of its bands and channels, luminance around 12 cycles per degree,
periods of about six pixels, makes up most of what it sums for the errors of codecs.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
PEAK, GLARE = 200.0, 0.6
"""Luminance of white, and what a black screen and the room's light add to it, in cd/m²."""
LUMINANCE = (0.2126, 0.7152, 0.0722)
BEST, HALF, STEEP = 120.0, 23.5, 0.84
"""Sensitivity to contrast at 12 cycles per degree, 120 / (1 + (23.5 / L)^0.84) at a luminance of L cd/m²: within 3 % of
ColorVideoVDP's."""
POWER, BOUND = 2.2644, 10**2.5643
"""Power of the difference in visible contrast, and the bound that the errors approach."""
MASK, MASK_POWER, MASK_SHARE = 10**-0.7955, 1.3026, 2**-0.1895
"""How much of the contrast around masks errors, its power, and its weight."""
FLOOR = 0.1
"""Its square is added under the root, whose slope is infinite at 0."""
TAPS = (0.05, 0.25, 0.4, 0.25, 0.05)
"""Low-pass filter of the pyramid (Burt and Adelson, 1983)."""
_GAUSSIAN = np.exp(-(np.arange(-9, 10) ** 2) / (2 * 3**2))
MASK_TAPS = tuple((_GAUSSIAN / _GAUSSIAN.sum()).tolist())
"""Window of the contrast that masks: a Gaussian with σ = 3 samples of the band, six pixels."""


def contrast_slope(x: Floats, y: Floats) -> tuple[float, Floats]:
    """Compute the errors of contrast of a decoded picture, and their slope by its light.

    Args:
        x: original in linear light, (C, H, W) float32, 0 … 1, C = 1 or 3.
        y: decoded, the same shape.

    Returns:
        The root of the mean square of the errors and ``FLOOR`` squared, less ``FLOOR``: 0 for equal pictures, about 4
        for a JPEG of quality 50, 16 at 20. The slope treats the mask as constant, so that contrast which hides errors
        is no merit.
    """
    original, around = _contrast(_luminance(x))[:2]
    sensitivity = BEST / (1 + (HALF / around) ** np.float32(STEEP))
    contrast, local, half = _contrast(_luminance(y))
    apart = (contrast - original) * sensitivity
    mask = _blurred(np.minimum(abs(original), abs(contrast)) * sensitivity) * np.float32(MASK)
    unmasked = 1 + np.float32(MASK_SHARE) * mask ** np.float32(MASK_POWER)
    size = abs(apart)
    error = size ** np.float32(POWER) / unmasked
    bounded = error * (BOUND / (BOUND + error))
    total = float(np.sqrt(np.square(bounded).mean(dtype=np.float64) + FLOOR**2))
    by_error = bounded * (np.float32(BOUND) / (BOUND + error)) ** 2 * np.float32(1 / (total * bounded.size))
    by_apart = by_error * (np.float32(POWER) * size ** np.float32(POWER - 1) / unmasked) * np.sign(apart)
    by_half = 2 * sensitivity * by_apart / local
    by_quarter = _expanded_back(-by_half * half / local)
    by_half = by_half + _reduced_back(by_quarter, half.shape)
    return total - FLOOR, _weights(y) * _reduced_back(by_half, y.shape[1:])


def _luminance(x: Floats) -> Floats:
    out: Floats = (_weights(x) * x).sum(0) + np.float32(GLARE)
    return out


def _weights(x: Floats) -> Floats:
    return np.array(LUMINANCE if len(x) == 3 else (1,), np.float32)[:, None, None] * np.float32(PEAK)


def _contrast(luminance: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the contrast of the second band, the luminance around, and that of half the size, all (⌈H/2⌉, ⌈W/2⌉)."""
    half = _reduced(luminance)
    around = _expanded(_reduced(half), half.shape)
    return 2 * (half - around) / around, around, half


def _reduced(x: Floats) -> Floats:
    """Halve both sides; samples beyond the borders repeat those at them."""
    return _reduced_rows(_reduced_rows(x).T).T


def _reduced_rows(x: Floats) -> Floats:
    padded = np.pad(x, ((2, 2), (0, 0)), "edge")
    stop = 2 * ((len(x) + 1) // 2) - 1
    return sum(np.float32(tap) * padded[i : i + stop : 2] for i, tap in enumerate(TAPS))  # type: ignore[return-value]


def _reduced_back(slope: Floats, shape: tuple[int, ...]) -> Floats:
    """Apply the transpose of :func:`_reduced` to a picture of ``shape``."""
    return _reduced_rows_back(_reduced_rows_back(slope.T, shape[1]).T, shape[0])


def _reduced_rows_back(slope: Floats, size: int) -> Floats:
    padded = np.zeros((size + 4, slope.shape[1]), np.float32)
    stop = 2 * len(slope) - 1
    for i, tap in enumerate(TAPS):
        padded[i : i + stop : 2] += np.float32(tap) * slope
    out = padded[2:-2]
    out[0] += padded[0] + padded[1]
    out[-1] += padded[-1] + padded[-2]
    return out


def _expanded(x: Floats, shape: tuple[int, ...]) -> Floats:
    """Double both sides, to ``shape``."""
    return _expanded_rows(_expanded_rows(x, shape[0]).T, shape[1]).T


def _expanded_rows(x: Floats, size: int) -> Floats:
    padded = np.pad(x, ((1, 1), (0, 0)), "edge")
    out = np.empty((2 * len(x), x.shape[1]), np.float32)
    out[::2] = np.float32(2 * TAPS[0]) * (padded[:-2] + padded[2:]) + np.float32(2 * TAPS[2]) * x
    out[1::2] = np.float32(2 * TAPS[1]) * (x + padded[2:])
    return out[:size]


def _expanded_back(slope: Floats) -> Floats:
    """Apply the transpose of :func:`_expanded`."""
    return _expanded_rows_back(_expanded_rows_back(slope).T).T


def _expanded_rows_back(slope: Floats) -> Floats:
    if len(slope) % 2:
        slope = np.pad(slope, ((0, 1), (0, 0)))
    even, odd = np.float32(2 * TAPS[0]) * slope[::2], np.float32(2 * TAPS[1]) * slope[1::2]
    padded = np.zeros((len(even) + 2, slope.shape[1]), np.float32)
    padded[:-2] += even
    padded[1:-1] += np.float32(2 * TAPS[2]) * slope[::2] + odd
    padded[2:] += even + odd
    out = padded[1:-1]
    out[0] += padded[0]
    out[-1] += padded[-1]
    return out


def _blurred(x: Floats) -> Floats:
    return _blurred_rows(_blurred_rows(x).T).T


def _blurred_rows(x: Floats) -> Floats:
    side = len(MASK_TAPS) // 2
    padded = np.pad(x, ((side, side), (0, 0)), "edge")
    out = np.zeros_like(x)
    for i, tap in enumerate(MASK_TAPS):
        out += np.float32(tap) * padded[i : i + len(x)]
    return out
