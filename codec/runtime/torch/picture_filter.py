"""The picture filter on torch tensors; see :mod:`aez.codec.runtime.picture_filter`."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

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

_STRIP = 2**17
"""Pixels of a strip."""


def _planes(levels: Tensor) -> Tensor:
    """Return (H, W, C) as padded planes, (C, H + 4, W + 4); edge pixels are repeated."""
    return F.pad(levels.permute(2, 0, 1)[None], (REACH,) * 4, mode="replicate")[0]


def filtered(levels: Tensor, weights: Tensor) -> Tensor:
    """Filter a decoded picture.

    Args:
        levels: (H, W, C) float32, 0 … 255.
        weights: float32, in the shape of :func:`~aez.codec.model.filter_weights.weight_shape`.

    Returns:
        (H, W, C) float32, 0 … 255, not rounded.
    """
    matrix, planes, out = weight_matrix(weights).to(levels.device), _planes(levels), torch.empty_like(levels)
    for rows in strips(len(levels), levels.shape[1], _STRIP):
        out[rows] = filter_strip(padded_rows(planes, rows), matrix)
    return out


def moments(levels: Tensor, top: int, left: int, original: Levels) -> Moments:
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
    planes = _planes(levels)
    for strip, part in overlaps(strips(len(levels), levels.shape[1], _STRIP), top, height):
        target = torch.from_numpy(np.require(original[part], requirements=["C", "W"])).to(levels.device).float()
        columns = slice(left, left + width)
        found = strip_moments(padded_rows(planes, strip), columns, part.start + top - strip.start, target)
        add_moments(out, [x.double().cpu().numpy() if isinstance(x, Tensor) else x for x in found])
    return out
