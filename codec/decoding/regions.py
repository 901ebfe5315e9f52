"""Convert regions and scales, as users give them, to windows of the stored picture."""

from fractions import Fraction

from aez.bitstream import Header, ImageError
from aez.codec.geometry.windows import Window

REDUCTIONS = (1, 2, 4, 8, 16)
Region = tuple[int, int, int, int]
"""Column and row of the first pixel, then width and height."""


def reduction_of(scale: float | Fraction) -> int:
    """Convert a scale, 1, 1/2, 1/4, 1/8 or 1/16, to a reduction, its denominator.

    Raises:
        ValueError: the scale is none of these.
    """
    for reduction in REDUCTIONS:
        if scale == 1 / reduction or scale == Fraction(1, reduction):
            return reduction
    raise ValueError(f"the scale must be 1, 1/2, 1/4, 1/8 or 1/16, not {scale}")


def stored_window(region: Region, header: Header, *, seen: bool) -> Window:
    """Convert a region to a window of the stored picture.

    Args:
        region: region of the picture as displayed or as stored.
        header: header of the file.
        seen: True if the region is in the displayed picture, False if it is in the stored one.

    Raises:
        ImageError: the region is empty or not within the picture.
        ValueError: the region is not four numbers.
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
        # Undo the turn for display: mirror, then exchange rows and columns, in the reverse order of turning.upright.
        if header.orientation in (2, 3, 6, 7):
            window = Window(window.top, window.bottom, width - window.right, width - window.left)
        if header.orientation in (3, 4, 7, 8):
            window = Window(height - window.bottom, height - window.top, window.left, window.right)
        if turned:
            window = Window(window.left, window.right, window.top, window.bottom)
    return window
