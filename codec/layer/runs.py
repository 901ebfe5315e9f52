"""Let a layer end where an area of one colour ends, not where a block does."""

import numpy as np
from numpy.typing import NDArray

from aez.codec.layer.content import band_rows, packed

_ROUNDS = 3
_SHORTEST = 4
"""Shorter runs are chance, as in noise."""
Mask = NDArray[np.bool_]


def grown_along_runs(samples: NDArray[np.uint8], cover: Mask, allowed: Mask) -> Mask:
    """Grow a mask into pixels whose colour continues that of a covered one, along rows and columns.

    Beside a photograph on a page, the layer so reaches the edge of the photograph.

    Args:
        samples: (H, W, 3) or (H, W).
        cover: (H, W).
        allowed: (H, W), pixels that may be added.
    """
    out = cover.copy()
    height, width = cover.shape
    for _ in range(_ROUNDS):
        step = band_rows(width)
        for top in range(0, height, step):
            rows = slice(top, top + step)
            _grow(packed(samples[rows]), out[rows], allowed[rows])
        step = band_rows(height)
        for left in range(0, width, step):
            cols = slice(left, left + step)
            _grow(packed(samples[:, cols]).T, out[:, cols].T, allowed[:, cols].T)
    return out


def _grow(colours: NDArray[np.generic], mask: Mask, allowed: Mask) -> None:
    """Cover whole runs of a colour along the rows, of which some pixel is covered, as far as pixels are allowed."""
    begins = np.ones(colours.shape, np.bool_)
    np.not_equal(colours[:, 1:], colours[:, :-1], out=begins[:, 1:])
    flat = np.flatnonzero(begins)
    covered = np.bitwise_or.reduceat(np.ascontiguousarray(mask).reshape(-1), flat)
    lengths = np.diff(flat, append=colours.size)
    mask |= np.repeat(covered & (lengths >= _SHORTEST), lengths).reshape(colours.shape) & allowed
