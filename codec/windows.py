"""Pictures are computed in windows with a halo as wide as the networks see, so memory does not grow with them.

A window inside the halo of its neighbours computes what the whole picture would (to float rounding): no seams.
All numbers here are rows and columns of one grid, that of the latents (1/16) or of the hyper-latent's cells (1/64).
"""

from collections.abc import Iterator
from dataclasses import dataclass

CELL = 4
"""Latents a cell of the hyper-latent has on a side."""
WINDOW_CELLS = 24
"""Side of a window's core: 24 cells, 1536 pixels."""
WHOLE_CELLS = 768
"""Pictures of up to so many cells (3.1 megapixels) are computed in one window."""


@dataclass(frozen=True)
class Window:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right`` (exclusive)."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index into a (channels, rows, columns) array."""
        return slice(None), slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    def grown(self, halo: int, rows: int, cols: int) -> "Window":
        """Wider by ``halo`` on each side, within a grid of rows × cols."""
        return Window(
            max(0, self.top - halo),
            min(rows, self.bottom + halo),
            max(0, self.left - halo),
            min(cols, self.right + halo),
        )

    def within(self, outer: "Window") -> tuple[slice, slice, slice, slice]:
        """Index of this window in an (N, C, rows, columns) tensor that covers ``outer``."""
        return (
            slice(None),
            slice(None),
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )

    def scaled(self, factor: int, rows: int, cols: int) -> "Window":
        """On a grid ``factor`` times as fine, cut to its rows × cols."""
        return Window(
            self.top * factor, min(rows, self.bottom * factor), self.left * factor, min(cols, self.right * factor)
        )


def cell_windows(rows: int, cols: int, side: int = WINDOW_CELLS, whole: int = WHOLE_CELLS) -> list[Window]:
    """Windows that cover rows × cols cells, in raster order; one if there are at most ``whole`` cells."""
    if rows * cols <= whole:
        return [Window(0, rows, 0, cols)]
    return list(_grid(rows, cols, side))


def _grid(rows: int, cols: int, side: int) -> Iterator[Window]:
    for top in range(0, rows, side):
        for left in range(0, cols, side):
            yield Window(top, min(rows, top + side), left, min(cols, left + side))
