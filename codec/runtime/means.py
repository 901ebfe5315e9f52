"""The two-step mean of one picture, window by window."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aez.codec.geometry.grid import CELL, Grid
from aez.codec.geometry.windows import Window
from aez.codec.runtime.networks import Array, Context, Floats, Networks


@dataclass(frozen=True)
class Area:
    """The mean context of some cells and of those around them that their second step sees.

    Attributes:
        window: latents of whole cells; at the end of a picture it may reach beyond the picture's last latent.
        context: of these latents.
    """

    window: Window
    context: Context


class Means:
    """The means of one picture, or of a band of it: functions of z and of the r that is known.

    The first step's means come from z alone. The second step's also see ŷ of the elements of the first step.
    """

    def __init__(self, networks: Networks, z: NDArray[np.int16], grid: Grid, *, keep: bool = False) -> None:
        """Compute nothing yet.

        Args:
            networks: of the model.
            z: (Z, rows, columns) int16 of all cells of ``grid``.
            grid: geometry of the picture or band.
            keep: compute the context of all cells together, once. It takes 3 kB per latent position.
        """
        self.networks, self.z, self.grid = networks, z, grid
        self._keep = keep

    def area(self, cells: Window) -> Area:
        """Return the context of a window of cells."""
        window = self.grid.context_area(cells)
        if self._keep:
            return Area(window, self._whole.part(*window.pixel_index))
        part = self.z[window.coarser(CELL).index]
        return Area(window, self.networks.context(part, window.top, window.left))

    @cached_property
    def _whole(self) -> Context:
        return self.networks.context(self.z, 0, 0)

    def second(self, area: Area, r: NDArray[np.int16]) -> Floats:
        """Return the means of the second step in an area, from r of those of its latents that the picture has."""
        return self.networks.second_mean(area.context, whole_cells(r, area.window))

    def reconstruct(self, latents: Window, r: NDArray[np.int16]) -> tuple[Array, Area]:
        """Return ŷ of a window of latents, and its area, from r of all latents within :meth:`Grid.reach`."""
        area = self.area(latents.coarser(CELL))
        inside = latents.pixel_index_in(area.window)
        return self.networks.reconstruct(area.context, whole_cells(r, area.window), inside), area


def whole_cells(values: NDArray[Any], area: Window, fill: int = 0) -> NDArray[Any]:
    """Pad latents, (…, rows, columns), below and to the right to the shape of an area of whole cells."""
    rows, cols = values.shape[-2:]
    if (rows, cols) == area.shape:
        return values
    around = [(0, 0)] * (values.ndim - 2) + [(0, area.shape[0] - rows), (0, area.shape[1] - cols)]
    return np.pad(values, around, constant_values=fill)
