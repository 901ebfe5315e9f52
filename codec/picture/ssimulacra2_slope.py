"""The slope of SSIMULACRA 2's errors by the decoded samples, with derivatives written out, without torch."""

import numpy as np
from numpy.typing import NDArray

from aez.codec.picture.ssimulacra2 import (
    ABSORBANCE,
    BIAS,
    C2,
    FLOOR,
    NUMPY,
    SIGNIFICANT,
    SMALLEST_ABSORBED,
    blurred,
    linear_scales,
    to_xyb,
    weights_of,
)

Floats = NDArray[np.float32]


def error_slope(x: Floats, y: Floats, first: int = 0) -> tuple[float, Floats]:
    """Compute the weighted sum of errors of a decoded picture, and its slope by its light.

    Args:
        x: original in linear light, (3, H, W) float32, 0 … 1, sides of at least ``SMALLEST_SIDE``.
        y: decoded, the same shape.
        first: first scale whose errors count.

    Returns:
        The sum that :func:`aez.codec.picture.ssimulacra2.error` gives for the samples, of the weights that matter, and
        the slope, (3, H, W).
    """
    scales = linear_scales(x[None], y[None], NUMPY)
    weights = weights_of(len(scales), SIGNIFICANT).astype(np.float32)
    total, slope = 0.0, np.zeros_like(scales[-1][1])
    for level in range(len(scales) - 1, -1, -1):
        original, decoded = scales[level]
        if level + 1 < len(scales):
            slope = _doubled(slope, decoded.shape)
        channels = np.flatnonzero(weights[:, level].any((1, 2))).tolist()
        if channels and level >= first:
            value, by_xyb = _maps_slope(to_xyb(original, NUMPY), to_xyb(decoded, NUMPY), weights[:, level], channels)
            total += value
            slope = slope + _xyb_slope(decoded, by_xyb)
    out: Floats = slope[0]
    return total, out


def _maps_slope(x: Floats, y: Floats, weights: Floats, channels: list[int]) -> tuple[float, Floats]:
    """Return the weighted sum of one scale, and its slope by y, (1, 3, h, w) in XYB; other channels have none."""
    slope = np.zeros_like(y)
    total = 0.0
    for channel in channels:
        a, b = x[:, channel : channel + 1], y[:, channel : channel + 1]
        mean_a, mean_b = blurred(a, NUMPY), blurred(b, NUMPY)
        shared = 2 * (blurred(a * b, NUMPY) - mean_a * mean_b) + np.float32(C2)
        spread = blurred(a * a + b * b, NUMPY) - (mean_a * mean_a + mean_b * mean_b) + np.float32(C2)
        apart = mean_a - mean_b
        alike = 1 - apart * apart
        ratio = shared / spread
        value, by_map = _norms((1 - alike * ratio).clip(0), weights[channel, :, 0])
        total += value
        by_shared = -by_map * alike / spread
        by_spread = -by_shared * ratio
        by_mean = -2 * (by_map * ratio * apart + by_shared * mean_a + by_spread * mean_b)
        contrast, reference = b - mean_b, 1 + abs(a - mean_a)
        edges = (1 + abs(contrast)) / reference - 1
        added, by_added = _norms(edges.clip(0), weights[channel, :, 1])
        lost, by_lost = _norms((-edges).clip(0), weights[channel, :, 2])
        total += added + lost
        by_edge = (by_added - by_lost) * np.sign(contrast) / reference
        # The window is symmetric, and so is what it does at the borders: it is its own transpose.
        slope[:, channel : channel + 1] = (
            by_edge
            + blurred(by_mean - by_edge, NUMPY)
            + 2 * (a * blurred(by_shared, NUMPY) + b * blurred(by_spread, NUMPY))
        )
    return total, slope


def _norms(values: Floats, weights: Floats) -> tuple[float, Floats]:
    """Return the weighted mean and root of the mean fourth power of a map, and the slope by the map."""
    by_mean, by_fourth = (float(weight) for weight in weights)
    if not by_mean and not by_fourth:
        return 0.0, np.zeros_like(values)
    cube = values * values * values
    fourth = float((cube * values).mean(dtype=np.float64)) + FLOOR**4
    root = fourth**0.25
    slope = np.float32(by_mean / values.size) + np.float32(by_fourth * root / fourth / values.size) * cube
    return by_mean * float(values.mean(dtype=np.float64)) + by_fourth * root, slope * (values > 0)


def _xyb_slope(linear: Floats, slope: Floats) -> Floats:
    """Return the slope by linear light, from that by XYB."""
    by_x, by_y, by_b = (slope[:, i] for i in range(3))
    by_luma = (by_y - by_b) * np.float32(0.5)
    out = np.zeros_like(linear)
    for row, by_root in zip(ABSORBANCE, (7 * by_x + by_luma, by_luma - 7 * by_x, by_b), strict=True):
        absorbed = sum(np.float32(part) * linear[:, i] for i, part in enumerate(row)) + np.float32(BIAS)
        by_absorbed = by_root * absorbed.clip(SMALLEST_ABSORBED) ** np.float32(-2 / 3) * np.float32(1 / 3)
        for i, part in enumerate(row):
            out[:, i] += np.float32(part) * by_absorbed
    return out


def _doubled(slope: Floats, shape: tuple[int, ...]) -> Floats:
    """Return the slope by the samples of the next larger scale, of a shape (…, rows, columns)."""
    rows, columns = shape[-2:]
    wide = np.repeat(np.repeat(slope * np.float32(0.25), 2, -2), 2, -1)
    if rows % 2:
        wide[..., -2, :] += wide[..., -1, :]
    if columns % 2:
        wide[..., -2] += wide[..., -1]
    return wide[..., :rows, :columns]
