"""Windows in which pictures are computed, so that memory is bounded.

A window is computed with a halo as wide as the networks see. Its result equals that of the whole picture up to float
rounding, so there are no seams. All numbers are rows and columns of one grid: pixels, latents (1/16) or cells of the
hyper-latent (1/64).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import EllipsisType

from aez.bitstream.sizes import ceil_div

WHOLE_CELLS = 768
"""Largest number of cells (3.1 megapixels) of a picture that is computed in one window."""
WINDOW_CELLS = 384
"""Cells per window of larger pictures; smaller windows compute more halo, larger ones take more memory."""
BAND_CELLS = 16
"""Rows of cells per window of larger pictures, 1024 pixels."""
BAND_AREA = 1536
"""Cells per band of a wide picture."""
LOWEST_BAND = 8
"""Smallest number of rows of cells in a band of a wide picture."""


Progress = Callable[[float], None]
"""Function that is called with the share of the windows done, 0 … 1."""
Index = tuple[EllipsisType, slice, slice]


@dataclass(frozen=True)
class Window:
    """A rectangle of one grid: rows ``top`` to ``bottom`` and columns ``left`` to ``right`` (exclusive)."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def index(self) -> Index:
        """Index of this window in an array (…, rows, columns)."""
        return ..., slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def pixel_index(self) -> tuple[slice, slice]:
        """Index of this window in an array (rows, columns, …)."""
        return self.index[1:]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and number of columns."""
        return self.bottom - self.top, self.right - self.left

    def grown(self, halo: int, rows: int, cols: int) -> "Window":
        """Grow the window by ``halo`` on each side, within a grid of rows × cols."""
        return Window(
            max(0, self.top - halo),
            min(rows, self.bottom + halo),
            max(0, self.left - halo),
            min(cols, self.right + halo),
        )

    def index_in(self, outer: "Window") -> Index:
        """Return the index of this window in an array (…, rows, columns) that covers ``outer``."""
        return (
            ...,
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )

    def pixel_index_in(self, outer: "Window") -> tuple[slice, slice]:
        """Return the index of this window in an array (rows, columns, …) that covers ``outer``."""
        return self.index_in(outer)[1:]

    def moved(self, outer: "Window") -> "Window":
        """Return this window relative to the first row and column of ``outer``."""
        return Window(self.top - outer.top, self.bottom - outer.top, self.left - outer.left, self.right - outer.left)

    def scaled(self, factor: int, rows: int, cols: int) -> "Window":
        """Return the window on a grid ``factor`` times as fine, cut to its rows × cols."""
        return Window(
            self.top * factor, min(rows, self.bottom * factor), self.left * factor, min(cols, self.right * factor)
        )

    def finer(self, factor: int) -> "Window":
        """Return the window on a grid ``factor`` times as fine, also beyond the end of a picture."""
        return Window(self.top * factor, self.bottom * factor, self.left * factor, self.right * factor)

    def coarser(self, factor: int) -> "Window":
        """Return the smallest window that covers this one on a grid ``factor`` times as coarse."""
        return Window(
            self.top // factor, ceil_div(self.bottom, factor), self.left // factor, ceil_div(self.right, factor)
        )

    def shared(self, other: "Window") -> "Window | None":
        """Return the intersection of both windows; None if it is empty."""
        part = Window(
            max(self.top, other.top),
            min(self.bottom, other.bottom),
            max(self.left, other.left),
            min(self.right, other.right),
        )
        return part if part.top < part.bottom and part.left < part.right else None


def cell_windows(
    area: Window, height: int = BAND_CELLS, size: int = WINDOW_CELLS, whole: int = WHOLE_CELLS
) -> list[Window]:
    """Divide an area of cells into windows, in raster order.

    Args:
        area: cells to cover.
        height: largest number of rows of a window.
        size: largest number of cells of a window, if it has more than one column.
        whole: largest number of cells of an area that is not divided.
    """
    rows, cols = area.shape
    if rows * cols <= whole:
        return [area]
    height = min(height, rows)
    return list(_grid(area, height, max(1, size // height)))


def _grid(area: Window, height: int, width: int) -> Iterator[Window]:
    for top in range(area.top, area.bottom, height):
        for left in range(area.left, area.right, width):
            yield Window(top, min(area.bottom, top + height), left, min(area.right, left + width))


def bands(rows: int, cols: int, height: int = BAND_CELLS, whole: int = WHOLE_CELLS) -> list[Window]:
    """Divide a picture into bands, rows of cells that are coded together.

    A picture of at most ``whole`` cells is one band. Bands of wide pictures have fewer rows, at least ``LOWEST_BAND``,
    so that memory grows little with the width.
    """
    if rows * cols <= whole:
        return [Window(0, rows, 0, cols)]
    height = min(height, max(LOWEST_BAND, BAND_AREA // cols))
    return [Window(top, min(rows, top + height), 0, cols) for top in range(0, rows, height)]
