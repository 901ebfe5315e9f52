"""Average samples over squares of pixels."""

import numpy as np
from numpy.typing import NDArray

from aez.codec.geometry.windows import Window


def averaged(plane: NDArray[np.uint8], reduction: int, window: Window) -> NDArray[np.uint8]:
    """Average reduction × reduction samples of a plane whose first sample is that of ``window``.

    The window is on the reduced grid; samples beyond the plane's end repeat the last.
    """
    if reduction == 1:
        return plane
    rows, cols = (side * reduction for side in window.shape)
    padded = np.pad(plane, ((0, rows - plane.shape[0]), (0, cols - plane.shape[1])), mode="edge")
    blocks = padded.reshape(window.shape[0], reduction, window.shape[1], reduction)
    sums = blocks.sum((1, 3), dtype=np.uint32)
    out: NDArray[np.uint8] = ((sums + reduction**2 // 2) // reduction**2).astype(np.uint8)
    return out
