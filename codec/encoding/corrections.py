"""Latents corrected for the picture at hand, by looking at what the decoder will make of the symbols chosen so far.

The analysis transform gives every picture the latents that were best on average. Here the decoded picture is compared
with the original, and every latent moves to where its own part of the error vanishes: a Newton step on the distortion
with the diagonal of its Hessian, which is nearly all of it since the synthesis is nearly linear and orthogonal.
Quantising again weighs rate against that distortion, so the two together are a proximal gradient descent.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.runs import NOT_CODED
from aez.codec.encoding.candidate import Choice
from aez.codec.encoding.effort import curvature
from aez.codec.model.filter_weights import FilterFit
from aez.codec.model.scales import LEVELS, ladder
from aez.codec.runtime.context import Context, to_cells
from aez.codec.runtime.engine import Engine
from aez.codec.runtime.patches import STRIDE
from aez.codec.runtime.picture_filter import filtered
from aez.codec.symbols.tiles import interleaved, interleaved_array
from aez.codec.symbols.windows import CELL, Window, cell_windows

_WINDOW_CELLS = 160
"""Cells of a window of large pictures, as in ``cell_windows``: errors and filtered levels take memory, too."""


def corrected(
    engine: Engine, choice: Choice, *, step: float, foresight: bool, fit: FilterFit | None = None
) -> tuple[Tensor, float]:
    """Move y towards what would decode to the pixels, as the linear path of the synthesis tells.

    Args:
        engine: the model.
        choice: the symbols so far.
        step: share of the way to go.
        foresight: count the bits that symbols of the first step cause in the second.
        fit: the picture filter, if there will be one: what r decodes to is counted for it, and errors that it will mend
            move nothing.

    Returns:
        (M, h, w) float32, and the squared error of the symbols so far, summed over all samples in units of 1.
    """
    y, total = choice.y, 0.0
    rows, cols = y.shape[1:]
    moved = interleaved(torch.empty(rows, cols, len(y)))
    residual, table = interleaved_array(choice.r), interleaved_array(choice.indices)
    at = engine.position_tensor(choice.position)
    channels = choice.pixels.shape[2]
    linear = engine.synthesis.linear_end(channels)
    with torch.no_grad():
        gain, response = newton_response(engine, at, channels)
        worth = curvature(engine.model, at, 3)[0]
        for core, area, y_hat, context, plain in _decoded(engine, choice, residual, gain):
            levels = fitted_levels(plain, choice.pixels, core, area, fit)
            error = patch_errors(levels, choice.pixels, core, area)
            total += float(error.square().sum(dtype=torch.float64))
            pull = (error @ linear.t()).reshape(1, *core.shape, -1).permute(0, 3, 1, 2) * response
            inner = core.within(area)
            if foresight:
                pull = pull + foreseen(engine, context, y, table, residual, pull, worth, core)
            target = (y_hat[inner] - pull)[0].cpu()
            moved[core.slices] = torch.lerp(y[core.slices], target, step)
    return moved, total


@torch.no_grad()
def decoded_error(engine: Engine, choice: Choice, fit: FilterFit | None) -> float:
    """Squared error of what the symbols decode to, summed over all samples in units of 1; ``fit`` is told of it."""
    at = engine.position_tensor(choice.position)
    gain = torch.exp(engine.model.decoder_gain(at) - engine.model.encoder_gain(at))
    total = 0.0
    for core, area, _, _, plain in _decoded(engine, choice, interleaved_array(choice.r), gain):
        levels = fitted_levels(plain, choice.pixels, core, area, fit)
        total += float(patch_errors(levels, choice.pixels, core, area).square().sum(dtype=torch.float64))
    return total


def _decoded(
    engine: Engine, choice: Choice, residual: Tensor, gain: Tensor
) -> Iterator[tuple[Window, Window, Tensor, Context, Tensor]]:
    """Window by window: it, the area around it, and of that ŷ, its context and the levels before the picture filter."""
    rows, cols = choice.y.shape[1:]
    at, channels = engine.position_tensor(choice.position), choice.pixels.shape[2]
    for cells in cell_windows(Window(0, choice.z.shape[1], 0, choice.z.shape[2]), size=_WINDOW_CELLS):
        core = cells.scaled(CELL, rows, cols)
        area = core.grown(engine.pixel_halo, rows, cols)
        reach = engine.reach(core, rows, cols)
        y_hat, context = engine.latent(choice.z, residual[reach.slices], area, choice.known)
        yield core, area, y_hat, context, engine.synthesis(y_hat * gain, at, channels)


def newton_response(engine: Engine, at: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """What ŷ is multiplied by before the synthesis, and the Newton step in ŷ for a unit of slope there.

    For a grey picture the curvature is a colour picture's too: what latents of chroma add to it overlaps with luma's,
    and their own small curvature would let them overshoot.

    Args:
        engine: the model.
        at: quality point, (1,).
        channels: samples a pixel, 1 or 3.

    Returns:
        Two tensors, (1, M, 1, 1).
    """
    gain = torch.exp(engine.model.decoder_gain(at) - engine.model.encoder_gain(at))
    energy = engine.synthesis.linear_end(3).square().sum(1) * (channels / 3)
    return gain, 1 / (energy[:, None, None] * gain)


def fitted_levels(
    levels: Tensor, pixels: NDArray[np.uint8], core: Window, area: Window, fit: FilterFit | None
) -> Tensor:
    """Decoded samples behind the filter that suits them best.

    Args:
        levels: (rows, columns, C) float32, those of the latents ``area``.
        pixels: (H, W, C) uint8, the whole picture.
        core: latents that count.
        area: ``core`` and more around it.
        fit: the picture's filter, which is told of ``core``; None for none.
    """
    if fit is None:
        return levels
    want = pixels[core.top * STRIDE : core.bottom * STRIDE, core.left * STRIDE : core.right * STRIDE]
    here = fit.fresh()
    here.moments.add(levels, (core.top - area.top) * STRIDE, (core.left - area.left) * STRIDE, want)
    weights = here.weights()
    fit.include(here)
    return levels if weights is None else filtered(levels, weights)


def patch_errors(levels: Tensor, pixels: NDArray[np.uint8], core: Window, area: Window) -> Tensor:
    """Decoded less original samples in units of 1, a row of 16×16 pixels a latent of ``core``; 0 beyond the picture.

    Args:
        levels: (rows, columns, C) float32, decoded samples of ``area`` in units of 1/255.
        pixels: (H, W, C) uint8, the whole picture.
        core: latents.
        area: latents, ``core`` and more around it.
    """
    top, left = (core.top - area.top) * STRIDE, (core.left - area.left) * STRIDE
    rows, cols = core.shape
    part = levels[top : top + rows * STRIDE, left : left + cols * STRIDE]
    want = pixels[core.top * STRIDE : core.bottom * STRIDE, core.left * STRIDE : core.right * STRIDE]
    height, width = want.shape[:2]
    error = torch.zeros_like(part)
    error[:height, :width] = part[:height, :width] - torch.from_numpy(np.require(want, requirements=["C", "W"])).to(
        part.device
    )
    patches = error.div_(255).reshape(rows, STRIDE, cols, -1).permute(0, 2, 1, 3)
    return patches.reshape(rows * cols, -1)


def foreseen(
    engine: Engine,
    context: Context,
    y: Tensor,
    table: Tensor,
    residual: Tensor,
    pull: Tensor,
    worth: Tensor,
    core: Window,
) -> Tensor:
    """How much further ŷ of the first step should go for what it causes in the second.

    Coded elements of the second step cost (y − μ)² / (2 ln 2 · (σ² + 1/12)) bits, those not coded the distortion that
    their mean makes.

    Args:
        engine: the model.
        context: of ``core`` and what depends on it.
        y: (M, h, w) float32, of the whole picture as all that follows.
        table: (M, h, w) uint8, tables of r or ``NOT_CODED``.
        residual: (M, h, w) int16, r.
        pull: (1, M, rows, columns) of ``core``, what the distortion alone asks for.
        worth: bits that a squared unit of ŷ is worth as distortion, (M,).
        core: latents.

    Returns:
        Of the shape of ``pull``, to be added to it.
    """
    area, device = context.area, context.first.device
    # Beyond the picture nothing is coded, and the distortion has no slope.
    tables, wanted, symbols = (
        to_cells(whole[area.slices].clone(), area.shape, fill).to(device)[None]
        for whole, fill in ((table, NOT_CODED), (y, 0), (residual, 0))
    )
    scale = torch.tensor(ladder(), device=device)[tables.int().clamp_max(LEVELS - 1)]
    coded = tables != NOT_CODED
    later = 1 - context.mask
    outside = torch.zeros_like(context.first)
    outside[core.within(area)] = pull * worth[:, None, None] * 2
    with torch.no_grad():
        start = (symbols + context.first) * context.mask
    with torch.enable_grad():
        known = start.clone().requires_grad_(True)
        mean = engine.model.context.second_mean(context.features, context.first, known, context.mask)
        bits = (wanted - mean).square() / (2 * math.log(2) * (scale.square() + 1 / 12))
        cost = (later * torch.where(coded, bits, outside * mean)).sum()
        (gradient,) = torch.autograd.grad(cost, known)
    return (gradient * context.mask)[core.within(area)] / (2 * worth[:, None, None])
