"""Let a layer end where an area of one colour ends, not where a block does."""

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 3
_SHORTEST = 4
"""Shorter runs are chance, as in noise."""
Mask = NDArray[np.bool_]


def grown_along_runs(colours: NDArray[np.generic], cover: Mask, allowed: Mask) -> Mask:
    """Grow a mask into pixels whose colour continues that of a covered one, along rows and columns.

    Beside a photograph on a page, the layer so reaches the edge of the photograph.

    Args:
        colours: (H, W), a number for each colour.
        cover: (H, W).
        allowed: (H, W), pixels that may be added.
    """
    out = cover.copy()
    for _ in range(_ROUNDS):
        for plane, mask, free in ((colours, out, allowed), (colours.T, out.T, allowed.T)):
            _grow(plane, mask, free)
    return out


def _grow(colours: NDArray[np.generic], mask: Mask, allowed: Mask) -> None:
    """Cover whole runs of a colour along the rows, of which some pixel is covered, as far as pixels are allowed."""
    begins = np.ones(colours.shape, np.bool_)
    np.not_equal(colours[:, 1:], colours[:, :-1], out=begins[:, 1:])
    flat = np.flatnonzero(begins)
    covered = np.bitwise_or.reduceat(np.ascontiguousarray(mask).reshape(-1), flat)
    lengths = np.diff(flat, append=colours.size)
    mask |= np.repeat(covered & (lengths >= _SHORTEST), lengths).reshape(colours.shape) & allowed
