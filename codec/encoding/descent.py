"""Symbols by descent on the true distortion, where :mod:`aez.codec.encoding.corrections` has come as far as it can.

A correction by the synthesis's linear path ends where that path's part of the error vanishes. What its network makes of
the latents leaves a gradient there, of a few per cent of the rate at high qualities. Following it takes many small
steps: some directions that the network amplifies are far steeper than others. Steps have momentum (Polyak, 1964) and
are taken back, and halved, if the cost grows.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.encoding.candidate import Choice
from aez.codec.encoding.corrections import fitted_levels, foreseen, newton_response, patch_errors
from aez.codec.encoding.effort import curvature
from aez.codec.encoding.quantise import Quantiser
from aez.codec.model.filter_weights import FilterFit
from aez.codec.runtime.engine import Engine
from aez.codec.runtime.patches import STRIDE
from aez.codec.symbols.tiles import interleaved, interleaved_array
from aez.codec.symbols.windows import CELL, Window, cell_windows

_STEP = 0.1
_MOMENTUM = 0.7
_WORSE = 1.01
"""Share of the least cost beyond which steps were too long: a little more is momentum's and passes."""
_WINDOW_CELLS = 96
_WHOLE_CELLS = 256
"""Cells of a window, as in ``cell_windows``: what a backward pass needs is several times what a forward one does."""


def descended(
    engine: Engine, choice: Choice, *, quantiser: Quantiser, passes: int, fit: FilterFit | None = None
) -> NDArray[np.int16]:
    """The cheapest of the r found on the way, bits and distortion together; at worst the one given.

    Args:
        engine: the model.
        choice: the symbols so far.
        quantiser: the rounding rule.
        passes: steps.
        fit: the picture filter, if there will be one: what the result decodes to is counted for it.

    Returns:
        (M, h, w) int16.
    """
    best, least = choice, float("inf")
    best_fit: FilterFit | None = None
    velocity, step = torch.zeros_like(choice.y), _STEP
    for left in range(passes, -1, -1):
        now = fit.fresh() if fit else None
        target, error = _target(engine, choice, now, slopes=left > 0)
        cost = choice.cost(engine, error)
        if cost < least:
            best, least, best_fit = choice, cost, now
        elif not cost <= _WORSE * least:
            choice = best
            velocity, step = torch.zeros_like(choice.y), step / 2
            continue
        if left:
            velocity = (target - choice.y).mul_(step).add_(velocity, alpha=_MOMENTUM)
            choice = choice.moved(engine, choice.y + velocity, quantiser)
    if fit and best_fit:
        fit.include(best_fit)
    return best.r


def _target(engine: Engine, choice: Choice, fit: FilterFit | None, *, slopes: bool) -> tuple[Tensor, float]:
    """Where gradient and curvature send every latent, if ``slopes`` are wanted, and the squared error of r now.

    Returns:
        (M, h, w) float32, without meaning if no slopes are wanted, and the sum over all samples in units of 1.
    """
    y, z, pixels = choice.y, choice.z, choice.pixels
    rows, cols = y.shape[1:]
    out = interleaved(torch.empty(rows, cols, len(y)))
    residual, table = interleaved_array(choice.r), interleaved_array(choice.indices)
    at, channels = engine.position_tensor(choice.position), pixels.shape[2]
    synthesis = engine.twin.synthesis
    total = 0.0
    with torch.no_grad():
        gain, response = newton_response(engine, at, channels)
        worth = curvature(engine.model, at, 3)[0]
    for cells in cell_windows(Window(0, z.shape[1], 0, z.shape[2]), size=_WINDOW_CELLS, whole=_WHOLE_CELLS):
        core = cells.scaled(CELL, rows, cols)
        # A latent's gradient is in the pixels that it reaches, and those see latents as far again.
        near, far = (core.grown(times * engine.pixel_halo, rows, cols) for times in (1, 2))
        with torch.no_grad():
            part = residual[engine.reach(near, rows, cols).slices]
            y_hat, context = engine.latent(z, part, far, choice.known)
            latents = y_hat * gain
        with torch.enable_grad():
            latents.requires_grad_(True)
            x = synthesis(latents, at)
            x = x if channels == 3 else x.mean(1, keepdim=True)
            levels = ((x.detach()[0].permute(1, 2, 0) + 0.5) * 255).clamp_(0, 255)
            levels = fitted_levels(levels, pixels, core, far, fit)
            error = patch_errors(levels, pixels, near, far)
            error = error.reshape(*near.shape, STRIDE, STRIDE, channels).permute(4, 0, 2, 1, 3)
            error = error.reshape(1, channels, near.shape[0] * STRIDE, near.shape[1] * STRIDE)
            top, left = (core.top - near.top) * STRIDE, (core.left - near.left) * STRIDE
            own = error[:, :, top : top + core.shape[0] * STRIDE, left : left + core.shape[1] * STRIDE]
            total += float(own.square().sum(dtype=torch.float64))
            if not slopes:
                continue
            top, left = (near.top - far.top) * STRIDE, (near.left - far.left) * STRIDE
            seen = x[:, :, top : top + error.shape[2], left : left + error.shape[3]]
            (slope,) = torch.autograd.grad(seen, latents, error)
        inner = core.within(far)
        pull = (slope * response)[inner]
        pull = pull + foreseen(engine, context, y, table, residual, pull, worth, core)
        out[core.slices] = (y_hat[inner] - pull)[0].cpu()
    return out, total
