"""Choose the hyper-latents z of a picture."""

import numpy as np
from numpy.typing import NDArray

from aez.codec.encoding.setting import Setting
from aez.codec.geometry.grid import CELL
from aez.codec.geometry.windows import Window, cell_windows
from aez.codec.runtime.networks import Floats

HYPER_HALO = 1
"""Cells that the hyper-analysis sees around a window; it sees half a cell. Scales and means see one."""


def hyper_analysed(setting: Setting, y: Floats) -> NDArray[np.int16]:
    """Transform y to z, rounded and clamped to the tables of z, window by window.

    For part of a picture, cells at the edges of the part are right only if they are edges of the picture.

    Args:
        setting: the model and its networks.
        y: (M, h, w) float32.

    Returns:
        (Z, ceil(h/4), ceil(w/4)) int16.
    """
    networks, point = setting.networks, setting.point
    whole = Window(0, y.shape[1], 0, y.shape[2])
    cells = whole.coarser(CELL)
    z = np.empty((point.weights.config.hyper, *cells.shape), np.float32)
    for core in cell_windows(cells):
        outer = core.grown(HYPER_HALO, *cells.shape)
        part = y[outer.scaled(CELL, *whole.shape).index]
        down, right = (outer.shape[i] * CELL - part.shape[1 + i] for i in (0, 1))
        if down or right:
            part = np.pad(part, ((0, 0), (0, down), (0, right)), mode="edge")
        z[core.index] = networks.hyper_analyse(part)[core.index_in(outer)]
    mean, bound = point.hyper_means[:, None, None], point.hyper_bounds[:, None, None]
    return np.clip(np.rint(z), mean - bound, mean + bound).astype(np.int16)


def refine_rows(setting: Setting, y: Floats, z: NDArray[np.int16], top: int, rows: range) -> None:
    """Move some rows of a picture's z to where rate and distortion are less, window by window.

    Args:
        setting: the model, its networks and the effort.
        y: (M, h, w), the latents of the cells from row ``top`` on, of one row beyond ``rows`` if there is one.
        z: (Z, rows, columns) int16 of the whole picture, known up to the end of ``rows``, which is written.
        top: see ``y``.
        rows: rows of z to move.
    """
    part = Window(0, y.shape[1], 0, y.shape[2])
    bottom = top + part.coarser(CELL).bottom
    for core in cell_windows(Window(rows.start, rows.stop, 0, z.shape[2])):
        outer = core.grown(HYPER_HALO, bottom, z.shape[2])
        outer = Window(max(outer.top, top), outer.bottom, outer.left, outer.right)
        area = Window(outer.top - top, outer.bottom - top, outer.left, outer.right)
        current = z[outer.index].copy()
        # A row that is not known yet is taken to be like the last one that is.
        current[:, rows.stop - outer.top :] = current[:, rows.stop - outer.top - 1 : rows.stop - outer.top]
        free = slice(core.top - outer.top, core.bottom - outer.top)
        latents = y[area.scaled(CELL, *part.shape).index]
        found = setting.networks.refine_hyper(latents, current, free, setting.point, setting.effort.hyper_steps)
        z[core.index] = found[:, :, core.left - outer.left : core.right - outer.left]
