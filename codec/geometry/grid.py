"""The grids of one picture: pixels, latents (1/16) and cells of the hyper-latent (1/64)."""

from dataclasses import dataclass

from aez.bitstream.header import HYPER_STRIDE, LATENT_STRIDE, Header
from aez.bitstream.sizes import ceil_div
from aez.codec.geometry.windows import Window

CELL = HYPER_STRIDE // LATENT_STRIDE
"""Latents per cell of the hyper-latent, along each side."""
CONTEXT_HALO = 1
"""Halo of the mean context around a window, in cells; the context sees 4 latents on each side."""
LINEAR_FROM = 8
"""Smallest reduction at which the synthesis is its linear path alone, which sees nothing around a latent.

At these reductions the network changes little but the colour of the whole picture (48 to 55 dB without the network),
and it is the most expensive part.
"""


@dataclass(frozen=True)
class Grid:
    """The grids of one picture.

    Attributes:
        height: rows of pixels.
        width: columns of pixels.
    """

    height: int
    width: int

    @classmethod
    def of(cls, header: Header) -> "Grid":
        """Return the grids of the picture in a file."""
        return cls(header.height, header.width)

    @property
    def rows(self) -> int:
        """Rows of latents."""
        return ceil_div(self.height, LATENT_STRIDE)

    @property
    def cols(self) -> int:
        """Columns of latents."""
        return ceil_div(self.width, LATENT_STRIDE)

    @property
    def cell_rows(self) -> int:
        """Rows of cells."""
        return ceil_div(self.rows, CELL)

    @property
    def cell_cols(self) -> int:
        """Columns of cells."""
        return ceil_div(self.cols, CELL)

    @property
    def latents(self) -> Window:
        """Window of all latents."""
        return Window(0, self.rows, 0, self.cols)

    @property
    def cells(self) -> Window:
        """Window of all cells."""
        return Window(0, self.cell_rows, 0, self.cell_cols)

    def latents_of(self, cells: Window) -> Window:
        """Return the latents of a window of cells, cut to the picture."""
        return cells.scaled(CELL, self.rows, self.cols)

    def pixels_of(self, latents: Window) -> Window:
        """Return the pixels of a window of latents, cut to the picture."""
        return latents.scaled(LATENT_STRIDE, self.height, self.width)

    def grown(self, latents: Window, halo: int) -> Window:
        """Grow a window of latents by a halo, within the picture."""
        return latents.grown(halo, self.rows, self.cols)

    def grown_cells(self, cells: Window, halo: int) -> Window:
        """Grow a window of cells by a halo, within the picture."""
        return cells.grown(halo, self.cell_rows, self.cell_cols)

    def context_area(self, cells: Window) -> Window:
        """Return the latents that the mean context computes for a window of cells.

        Cells at the bottom and right edges are computed whole, even if the picture has only part of their latents: the
        networks were trained on whole cells, and a missing part would change the means next to it.
        """
        return self.grown_cells(cells, CONTEXT_HALO).finer(CELL)

    def reach(self, latents: Window) -> Window:
        """Return the latents whose r determines ŷ in a window of latents."""
        return self.latents_of(self.grown_cells(latents.coarser(CELL), CONTEXT_HALO))
