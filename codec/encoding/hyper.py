"""Hyper-latents chosen for the picture at hand: what z costs against what it saves in r.

The hyper-analysis gives z that is right on average. Here z is moved by gradient descent on the bits of z and of r and
on the distortion of what is not coded, with the scales of the float twin; elements that have come near an integer are
fixed there, more of them at each stage, and the others go on. What the exact path makes of z is then as always.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.encoding.effort import curvature
from aez.codec.model.scales import LEVELS_PER_NAT, LOG_SCALE_MAX, LOG_SCALE_MIN, SKIP_BELOW, ladder
from aez.codec.networks.gaussian import unit_bits
from aez.codec.runtime.context import to_cells
from aez.codec.runtime.engine import Engine
from aez.codec.symbols.windows import CELL, Window, cell_windows

_HALO = 1  # cells: scales and means see so far
STAGES = ((0.52, 0.5), (0.16, 0.75), (0.16, 0.9), (0.16, 1.0))
"""Share of the steps of each stage, and share of the elements that are fixed after it."""
_RATE = 0.1
_CAUTION = 2.0
"""Weight of distortion: narrower scales let the quantiser drop more than is counted here."""


class HyperCost:
    """Bits and distortion of a window of cells as a function of its z."""

    def __init__(self, engine: Engine, y: Tensor, position: int, grey: bool) -> None:
        """Prepare a window.

        Args:
            engine: the model.
            y: (M, h, w) float32, the latents of the window.
            position: quality position.
            grey: whether the picture is.
        """
        self.engine, self.y = engine, y[None].to(engine.device)
        self.at = engine.position_tensor(position)
        weights = engine.weights
        sigma = torch.tensor(ladder(), device=engine.device)
        self.sigma_z = sigma[weights.hyper_indices(position, grey).long().to(engine.device)][:, None, None]
        self.mean_z = torch.from_numpy(weights.hyper_means(position, grey)).to(engine.device).float()[:, None, None]
        bounds = torch.from_numpy(weights.hyper_tables.bounds[weights.hyper_indices(position, grey).numpy()])
        self.bound = bounds.to(engine.device)[:, None, None]
        offsets = weights.index_offsets(position) if grey else None
        self.shift: Tensor | float = 0.0
        if offsets is not None:
            self.shift = torch.from_numpy(offsets).to(engine.device).float()[:, None, None] / LEVELS_PER_NAT
        with torch.no_grad():
            self.worth = _CAUTION * curvature(engine.model, self.at, 1 if grey else 3)[0, :, None, None]

    def __call__(self, z: Tensor, *, hard: bool) -> Tensor:
        """The cost of z (1, Z, rows, columns) in bits; ``hard``: of what would be coded, else a smooth bound of it."""
        rows, cols = self.y.shape[2:]
        scales, context = self.engine.twin, self.engine.model.context
        log_scale = scales.log_scale(z, self.at)[:, :, :rows, :cols] + self.shift
        sigma = torch.exp(log_scale.clamp(LOG_SCALE_MIN, LOG_SCALE_MAX))
        coded = sigma.detach() >= SKIP_BELOW
        features = context.features(z)
        first = context.first_mean(features)
        mask = context.first_mask(first.shape[2], first.shape[3], 0, 0, first)
        predicted = first[:, :, :rows, :cols]
        r = torch.where(coded, (self.y - predicted).round() if hard else self.y - predicted, 0)
        mean = context.second_mean(features, first, (first + to_cells(r, first.shape[2:])) * mask, mask)
        r = self.y - mean[:, :, :rows, :cols]
        sent = r.round() if hard else r
        bits = torch.where(coded, unit_bits(sent, sigma), 0.0)
        distortion = self.worth * torch.where(coded, r - sent, r).square()
        return bits.sum() + distortion.sum() + unit_bits(z - self.mean_z, self.sigma_z).sum()


def refine_rows(
    engine: Engine,
    y: Tensor,
    z: NDArray[np.int16],
    top: int,
    rows: range,
    position: int,
    *,
    grey: bool,
    steps: int,
) -> None:
    """Move some rows of a picture's z to where it pays, window by window.

    Args:
        engine: the model.
        y: (M, h, w) float32, the latents of the cells from row ``top`` on, of one row beyond ``rows`` if there is one.
        z: (Z, rows, columns) int16 of the whole picture, known up to the end of ``rows``, which is written.
        top: see ``y``.
        rows: which.
        position: quality position.
        grey: whether the picture is.
        steps: of gradient descent a window.
    """
    bottom = top + -(-y.shape[1] // CELL)
    for core in cell_windows(Window(rows.start, rows.stop, 0, z.shape[2])):
        outer = core.grown(_HALO, bottom, z.shape[2])
        outer = Window(max(outer.top, top), outer.bottom, outer.left, outer.right)
        area = Window(outer.top - top, outer.bottom - top, outer.left, outer.right)
        current = z[outer.slices].copy()
        # A row that is not known yet is taken to be like the last one that is.
        current[:, rows.stop - outer.top :] = current[:, rows.stop - outer.top - 1 : rows.stop - outer.top]
        free = slice(core.top - outer.top, core.bottom - outer.top)
        latents = y[area.scaled(CELL, *y.shape[1:]).slices]
        found = refined_hyper(engine, latents, current, free, position, grey=grey, steps=steps)
        z[core.slices] = found[:, :, core.left - outer.left : core.right - outer.left]


def refined_hyper(
    engine: Engine, y: Tensor, z: NDArray[np.int16], free: slice, position: int, *, grey: bool, steps: int
) -> NDArray[np.int16]:
    """z of some rows of cells, moved to where it pays.

    Args:
        engine: the model.
        y: (M, h, w) float32, the latents of all the cells given.
        z: (Z, ceil(h/4), ceil(w/4)) int16, as the hyper-analysis chose it.
        free: rows of z that may change.
        position: quality position.
        grey: whether the picture is.
        steps: of gradient descent.

    Returns:
        The rows ``free``, int16; those of ``z`` where nothing better was found.
    """
    cost = HyperCost(engine, y, position, grey)
    start = torch.from_numpy(z.astype(np.float32))[None].to(engine.device)
    with torch.inference_mode(False), torch.enable_grad():
        start = start.clone()
        moving = start.clone().requires_grad_(True)
        value = start.clone()
        fixed = torch.ones_like(start, dtype=torch.bool)
        fixed[:, :, free] = False
        optimiser = torch.optim.Adam([moving], lr=_RATE)
        for share, enough in STAGES:
            for _ in range(max(1, round(share * steps))):
                optimiser.zero_grad()
                cost(torch.where(fixed, value, moving), hard=False).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            nearest = moving.detach().round()
            distance = (moving.detach() - nearest).abs()[:, :, free]
            limit = torch.sort(distance.flatten()).values[min(distance.numel() - 1, int(enough * distance.numel()))]
            settled = (distance <= limit) & ~fixed[:, :, free]
            value[:, :, free] = torch.where(settled, nearest[:, :, free], value[:, :, free])
            fixed[:, :, free] |= settled
        value = torch.maximum(torch.minimum(value, cost.mean_z + cost.bound), cost.mean_z - cost.bound)
    with torch.no_grad():
        better = cost(value, hard=True) < cost(start, hard=True)
    chosen = value if bool(better) else start
    out: NDArray[np.int16] = chosen[0, :, free].round().to(torch.int16).cpu().numpy()
    return out
