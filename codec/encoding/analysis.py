"""Transform pixels to latents, window by window."""

import numpy as np

from aez.bitstream.header import LATENT_STRIDE
from aez.codec.encoding.setting import Setting
from aez.codec.geometry.grid import Grid
from aez.codec.geometry.windows import Progress, Window, cell_windows
from aez.codec.picture.depth import Samples, levels_of
from aez.codec.runtime.networks import Floats


def analysed(
    setting: Setting, picture: Samples, band: Window | None = None, progress: Progress | None = None
) -> Floats:
    """Transform a picture, or a band of its cells, to y.

    Args:
        setting: the model and its networks.
        picture: (H, W, C), any size.
        band: cells to compute; None for all.
        progress: called with the share of the windows done.

    Returns:
        (M, rows, columns) float32 of the latents of the band.
    """
    config = setting.point.weights.config
    grid = Grid(*picture.shape[:2])
    band = band or grid.cells
    whole = grid.latents_of(band)
    y = np.empty((config.latent, *whole.shape), np.float32)
    windows = cell_windows(band)
    for done, cells in enumerate(windows):
        core = grid.latents_of(cells)
        outer = grid.grown(core, config.analysis_halo)
        pixels = picture[grid.pixels_of(outer).pixel_index]
        down, right = (outer.shape[i] * LATENT_STRIDE - pixels.shape[i] for i in (0, 1))
        if down or right:
            pixels = np.pad(pixels, ((0, down), (0, right), (0, 0)), mode="edge")
        part = setting.networks.analyse(levels_of(pixels), setting.point.position)
        y[core.index_in(whole)] = part[core.index_in(outer)]
        if progress:
            progress((done + 1) / len(windows))
    return y
