"""The picture filter on NumPy arrays, strips in parallel; see :mod:`aez.codec.runtime.picture_filter`."""

import numpy as np
from numpy.typing import NDArray

from aez.codec.model.filter_weights import Moments
from aez.codec.runtime.networks import Levels
from aez.codec.runtime.picture_filter import (
    REACH,
    add_moments,
    filter_strip,
    overlaps,
    padded_rows,
    seen_window,
    strip_moments,
    strips,
    weight_matrix,
)
from aez.codec.threads import each, in_parallel

Floats = NDArray[np.float32]
_STRIP = 2**16
"""Pixels of a strip: its arrays fit a core's share of the cache."""


def filtered(levels: Floats, weights: Floats) -> Floats:
    """Filter a decoded picture.

    Args:
        levels: (H, W, C) float32, 0 … 255.
        weights: float32, in the shape of :func:`~aez.codec.model.filter_weights.weight_shape`.

    Returns:
        (H, W, C) float32, 0 … 255, not rounded.
    """
    matrix, planes, out = weight_matrix(weights), _planes(levels), np.empty_like(levels)

    def one(rows: slice) -> None:
        out[rows] = filter_strip(padded_rows(planes, rows), matrix)

    each(one, strips(len(levels), levels.shape[1], _STRIP))
    return out


def moments(levels: Floats, top: int, left: int, original: Levels) -> Moments:
    """Return the sums that are needed to fit the filter to an original, over every second row.

    Args:
        levels: (H, W, C) float32, 0 … 255, the decoded picture and its surroundings.
        top: row of the original's first pixel in ``levels``.
        left: column of that pixel.
        original: (h, w, C) levels.
    """
    out, (height, width) = Moments(original.shape[2]), original.shape[:2]
    rows, cols = seen_window((levels.shape[0], levels.shape[1]), top, left, (height, width))
    top, left, levels = top - rows.start, left - cols.start, levels[rows, cols]
    planes, columns = _planes(levels), slice(left, left + width)

    def one(parts: tuple[slice, slice]) -> list[object]:
        strip, part = parts
        target = original[part].astype(np.float32)
        return strip_moments(padded_rows(planes, strip), columns, part.start + top - strip.start, target)

    for found in in_parallel(one, overlaps(strips(len(levels), levels.shape[1], _STRIP), top, height)):
        add_moments(out, found)
    return out


def _planes(levels: Floats) -> Floats:
    """Return (H, W, C) as padded planes, (C, H + 4, W + 4); edge pixels are repeated."""
    return np.pad(levels.transpose(2, 0, 1), ((0, 0), (REACH, REACH), (REACH, REACH)), mode="edge")
