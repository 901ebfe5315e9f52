"""Average samples over squares of pixels."""

import numpy as np

from aez.codec.picture.depth import Samples


def averaged(plane: Samples, reduction: int, shape: tuple[int, int]) -> Samples:
    """Average squares of reduction × reduction samples, down to ``shape``; (rows, columns).

    Samples beyond the plane's end repeat the last one.
    """
    if reduction == 1:
        return plane
    rows, cols = (side * reduction for side in shape)
    padded = np.pad(plane, ((0, rows - plane.shape[0]), (0, cols - plane.shape[1])), mode="edge")
    blocks = padded.reshape(shape[0], reduction, shape[1], reduction)
    sums = blocks.sum((1, 3), dtype=np.uint32)
    out: Samples = ((sums + reduction**2 // 2) // reduction**2).astype(plane.dtype)
    return out
