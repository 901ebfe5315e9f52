"""Parts and reductions of pictures: what users give, as windows of the stored picture."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Header, ImageError
from aez.codec.symbols.windows import Window

REDUCTIONS = (1, 2, 4, 8, 16)
Region = tuple[int, int, int, int]
"""Column and row of the first pixel, width and height."""


def reduction_of(scale: float | Fraction) -> int:
    """1, 1/2, 1/4, 1/8 or 1/16 as what it divides by.

    Raises:
        ValueError: it is something else.
    """
    for reduction in REDUCTIONS:
        if scale == 1 / reduction or scale == Fraction(1, reduction):
            return reduction
    raise ValueError(f"the scale must be 1, 1/2, 1/4, 1/8 or 1/16, not {scale}")


def stored_window(region: Region, header: Header, *, seen: bool) -> Window:
    """A region as a window of the stored picture.

    Args:
        region: of the picture as it is meant to be seen, or as stored.
        header: the file's.
        seen: which of the two.

    Raises:
        ImageError: the region is empty or not within the picture.
        ValueError: it is not four numbers.
    """
    if len(region) != 4:
        raise ValueError(f"a region is column, row, width and height, not {tuple(region)}")
    x, y, across, down = (int(value) for value in region)
    width, height = header.width, header.height
    turned = seen and header.orientation >= 5
    if turned:
        width, height = height, width
    if across < 1 or down < 1 or x < 0 or y < 0 or x + across > width or y + down > height:
        raise ImageError(f"the region {x},{y},{across},{down} is not within the picture of {width}×{height}")
    window = Window(y, y + down, x, x + across)
    if seen:
        # Undo the turn: mirror, then exchange rows and columns, in the reverse order of images.turned.
        if header.orientation in (2, 3, 6, 7):
            window = Window(window.top, window.bottom, width - window.right, width - window.left)
        if header.orientation in (3, 4, 7, 8):
            window = Window(height - window.bottom, height - window.top, window.left, window.right)
        if turned:
            window = Window(window.left, window.right, window.top, window.bottom)
    return window


def averaged(plane: NDArray[np.uint8], reduction: int, window: Window) -> NDArray[np.uint8]:
    """Averages of reduction × reduction samples of a plane whose first sample is that of ``window``, in its grid.

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
