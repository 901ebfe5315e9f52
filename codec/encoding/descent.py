"""Descend along the true gradient of the distortion.

For the squared error, this begins where corrections have come as far as they can. A correction by the synthesis's
linear path (:mod:`aez.codec.encoding.corrections`) ends where that path's part of the error vanishes. The network
beside it leaves a gradient there, of a few per cent of the rate at high qualities.

For the perceptual distortion, its slope by a sample takes the place of the error of that sample.

It takes many small steps: the network makes some directions far steeper than others. Steps have momentum (Polyak,
1964); they are taken back, and halved, if the cost grows.
"""

import numpy as np

from aez.bitstream.header import LATENT_STRIDE
from aez.codec.encoding.candidate import Candidate, Measured
from aez.codec.encoding.corrections import filtered_levels, foreseen
from aez.codec.encoding.distortion import errors_of
from aez.codec.encoding.filter_fit import FilterFit
from aez.codec.encoding.setting import Setting
from aez.codec.geometry.windows import cell_windows

_STEP, _PERCEPTUAL_STEP = np.float32(0.1), np.float32(0.05)
_MOMENTUM = np.float32(0.7)
_WORSE = 1.01
"""Share of the least cost beyond which steps were too long; a little more comes from momentum, and passes."""
_WINDOW_CELLS = 96
_WHOLE_CELLS = 256
"""Cells of a window, as in ``cell_windows``: a backward pass needs several times the memory of a forward pass."""


def descended(setting: Setting, candidate: Candidate, fit: FilterFit | None) -> Measured:
    """Return the candidate of the least cost found on the way, at worst the one given.

    Args:
        setting: the number of steps.
        candidate: the symbols so far.
        fit: the picture filter, fitted to nothing, if there will be one.
    """
    best, least = None, float("inf")
    velocity, step = np.zeros_like(candidate.y), _PERCEPTUAL_STEP if setting.perceptual else _STEP
    for left in range(setting.effort.descents, -1, -1):
        now = _measured(setting, candidate, fit, slopes=left > 0)
        cost = candidate.cost(setting, now.error)
        if best is None or cost < least:
            best, least = now, cost
        elif not cost <= _WORSE * least:
            candidate = best.candidate
            velocity, step = np.zeros_like(candidate.y), step / 2
            continue
        if now.target is not None:
            velocity = (now.target - candidate.y) * step + _MOMENTUM * velocity
            candidate = candidate.moved(setting, candidate.y + velocity)
    assert best is not None  # the range is never empty
    return best


def _measured(setting: Setting, candidate: Candidate, fit: FilterFit | None, *, slopes: bool) -> Measured:
    """Measure a candidate; if ``slopes`` are wanted, find where gradient and curvature send every latent."""
    y, pixels, means, point = candidate.y, candidate.pixels, candidate.means, setting.point
    networks, grid, halo = setting.networks, means.grid, setting.point.weights.pixel_halo
    target = np.empty(y.shape, np.float32) if slopes else None
    total = 0.0
    for cells in cell_windows(grid.cells, size=_WINDOW_CELLS, whole=_WHOLE_CELLS):
        core = grid.latents_of(cells)
        # A latent's gradient is in the pixels that it reaches, and those see latents as far again.
        near, far = grid.grown(core, halo), grid.grown(core, 2 * halo)
        y_hat, area = means.reconstruct(far, candidate.r[grid.reach(far).index])
        levels, slope = networks.synthesise_slope(y_hat, point.position, pixels.shape[2])
        levels, fit = filtered_levels(setting, levels, pixels, core, far, fit)
        errors = errors_of(setting, networks.host(levels), pixels, core, near, far)
        total += errors.total
        if target is None:
            continue
        whole = np.zeros((far.shape[0] * LATENT_STRIDE, far.shape[1] * LATENT_STRIDE, pixels.shape[2]), np.float32)
        whole[near.moved(far).finer(LATENT_STRIDE).pixel_index] = errors.samples
        pull = (slope(whole) * setting.response)[core.index_in(far)]
        if setting.effort.foresight:
            pull = pull + foreseen(setting, candidate, area, core, pull)
        target[core.index] = networks.host(y_hat)[0][core.index_in(far)] - pull
    return Measured(candidate, total, fit, target)
