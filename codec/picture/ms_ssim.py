"""Multi-scale structural similarity (Wang, Simoncelli and Bovik, 2003) and its slope, without torch.

The same as :mod:`aez.codec.networks.ms_ssim`: five scales, a Gaussian window of 11 samples with σ = 1.5 that stays
within the picture. The MS-SSIM of a picture is the mean of those of its planes.
"""

import functools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA = 11, 1.5
SMALLEST_SIDE = (WINDOW - 1) * 2 ** (len(WEIGHTS) - 1) + 1
"""Smallest side of a picture in pixels."""
FLOOR = 1e-9
"""Lower bound of the contrast of a scale, because the power has an infinite slope at 0."""
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_BLOCK = 32


def similarity_slope(x: Floats, y: Floats, first: int = 0) -> tuple[float, Floats]:
    """Compute the MS-SSIM of two planes, and its slope by every sample of the second.

    Args:
        x: original, (H, W) float32, 0 … 255, sides of at least ``SMALLEST_SIDE``.
        y: decoded, the same shape.
        first: scale of the first contrast that counts; those of larger ones are taken to be perfect.
    """
    last = len(WEIGHTS) - 1
    means, slopes, sizes = [], [], []
    for level in range(last + 1):
        if level:
            sizes.append(x.shape)
            x, y = _halved(x), _halved(y)
        if level >= first:
            mean, slope = _contrast(x, y, luminance=level == last)
            means.append(max(mean, FLOOR))
            slopes.append(slope if mean > FLOOR else np.zeros_like(slope))
    value = float(np.prod([mean**weight for mean, weight in zip(means, WEIGHTS[first:], strict=True)]))
    total = np.zeros_like(x)
    for level in range(last, -1, -1):
        if level < last:
            total = _doubled(total, sizes[level])
        if level >= first:
            total += np.float32(WEIGHTS[level] * value / means[level - first]) * slopes[level - first]
    return value, total


def _contrast(x: Floats, y: Floats, *, luminance: bool) -> tuple[float, Floats]:
    """Return the mean contrast of a scale, times the luminance's similarity at the last, and its slope by y."""
    mean_x, mean_y = _blurred(x), _blurred(y)
    spread = _blurred(x * x + y * y) - (mean_x * mean_x + mean_y * mean_y) + np.float32(C2)
    shared = 2 * (_blurred(x * y) - mean_x * mean_y) + np.float32(C2)
    contrast = shared / spread
    # Slopes of the contrast by `shared` and `spread`.
    by_shared, by_spread = 1 / spread, -contrast / spread
    by_mean = -2 * (by_shared * mean_x + by_spread * mean_y)
    if luminance:
        above, below = 2 * mean_x * mean_y + np.float32(C1), mean_x * mean_x + mean_y * mean_y + np.float32(C1)
        factor = above / below
        by_mean = by_mean * factor + contrast * 2 * (mean_x - factor * mean_y) / below
        by_shared *= factor
        by_spread = by_spread * factor
        contrast = contrast * factor
    slope = _spread(by_mean) + 2 * (x * _spread(by_shared) + y * _spread(by_spread))
    slope *= np.float32(1 / contrast.size)
    return float(contrast.mean(dtype=np.float64)), slope


def _halved(x: Floats) -> Floats:
    """Average squares of four samples; an odd side has a row of zeros before it, and after it if need be."""
    rows, columns = (side % 2 for side in x.shape)
    if rows or columns:
        x = np.pad(x, ((rows, rows), (columns, columns)))[: x.shape[0] + rows, : x.shape[1] + columns]
    down = x[::2] + x[1::2]
    out: Floats = (down[:, ::2] + down[:, 1::2]) * np.float32(0.25)
    return out


def _doubled(slope: Floats, shape: tuple[int, ...]) -> Floats:
    """Return the slope by the samples that :func:`_halved` averaged."""
    rows, columns = (side % 2 for side in shape)
    wide = np.repeat(np.repeat(slope * np.float32(0.25), 2, 0), 2, 1)
    return wide[rows : rows + shape[0], columns : columns + shape[1]]


def _blurred(x: Floats) -> Floats:
    """Apply the window along both axes, without padding."""
    return _along_last(np.ascontiguousarray(_along_last(x).T)).T


def _along_last(x: Floats) -> Floats:
    size = x.shape[1] - WINDOW + 1
    out = np.empty((len(x), size), np.float32)
    for start in range(0, size, _BLOCK):
        stop = min(size, start + _BLOCK)
        np.matmul(x[:, start : stop + WINDOW - 1], _band(stop - start), out=out[:, start:stop])
    return out


def _spread(slope: Floats) -> Floats:
    """Apply the transpose of :func:`_blurred`."""
    return _spread_last(np.ascontiguousarray(_spread_last(slope).T)).T


def _spread_last(x: Floats) -> Floats:
    size = x.shape[1]
    out = np.zeros((len(x), size + WINDOW - 1), np.float32)
    for start in range(0, size, _BLOCK):
        stop = min(size, start + _BLOCK)
        out[:, start : stop + WINDOW - 1] += x[:, start:stop] @ _band(stop - start).T
    return out


@functools.lru_cache(maxsize=64)
def _band(size: int) -> Floats:
    """Return a band matrix, (size + 10, size), whose column j has the Gaussian in rows j … j + 10."""
    kernel = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
    columns = np.arange(size)
    band = np.zeros((size + WINDOW - 1, size), np.float32)
    for offset, weight in enumerate(kernel / kernel.sum()):
        band[columns + offset, columns] = weight
    band.setflags(write=False)
    return band
