"""Quantise all latents of a picture or band: the two-step mean with the symbols that it depends on."""

import numpy as np
from numpy.typing import NDArray

from aez.codec.encoding.setting import Setting
from aez.codec.encoding.thresholds import TableChoice
from aez.codec.geometry.windows import BAND_CELLS, cell_windows
from aez.codec.runtime.means import Area, Means
from aez.codec.runtime.networks import Floats

BAND_HALO = 2
"""Cells around a band of the second step, and of the first step around that."""
BAND_HEIGHT = BAND_CELLS + 2 * BAND_HALO
"""Rows of cells of a band with those around it."""


def quantised(
    setting: Setting,
    y: Floats,
    means: Means,
    indices: NDArray[np.uint8],
    choice: TableChoice | None = None,
) -> NDArray[np.int16]:
    """Choose r: the first step everywhere, then the second, whose means see what the first decided.

    Args:
        setting: the rounding rule.
        y: (M, h, w) float32.
        means: of the z that will be coded.
        indices: (M, h, w) uint8, tables or ``NOT_CODED``; written by ``choice``.
        choice: decides between the steps from which table on each tile codes; None to code what ``indices`` says.

    Returns:
        (M, h, w) int16.
    """
    grid, quantiser = means.grid, setting.quantiser
    r = np.zeros(y.shape, np.int16)
    first_values = np.empty(y.shape, np.float32) if choice else None
    first_mask = np.empty(y.shape, np.bool_) if choice else None
    windows = cell_windows(grid.cells, height=BAND_HEIGHT)
    area: Area | None = None
    for step in (0, 1):
        for cells in windows:
            core = grid.latents_of(cells)
            if area is None or len(windows) > 1:
                area = means.area(cells)
            inside = core.index_in(area.window)
            mean = area.context.first if step == 0 else means.second(area, r[area.window.index])
            values = y[core.index] - mean[inside]
            chosen = quantiser(values, indices[core.index])
            mask = area.context.mask[inside] > 0
            if step == 0:
                r[core.index] = chosen * mask
                if first_values is not None and first_mask is not None:
                    first_values[core.index], first_mask[core.index] = values, mask
            else:
                r[core.index] += chosen * ~mask
        if step == 0 and choice is not None and first_values is not None and first_mask is not None:
            choice.settle(first_values, r, indices, first_mask, quantiser)
    return r
