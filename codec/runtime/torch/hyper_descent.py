"""Refine the hyper-latents of a picture by gradient descent on its rate and distortion.

The hyper-analysis gives a z that is good on average. Here z follows the gradient of the bits of z and r plus the
distortion of the elements that are not coded, with scales from the float twin of the integer network. After each stage,
elements near an integer are fixed at it, a growing share of them; the others continue.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.scales import LEVELS_PER_NAT, LOG_SCALE_MAX, LOG_SCALE_MIN, SKIP_BELOW, ladder
from aez.codec.networks.gaussian import unit_bits
from aez.codec.networks.hyperprior import to_cells

if TYPE_CHECKING:
    from aez.codec.runtime.torch.networks import TorchNetworks

STAGES = ((0.52, 0.5), (0.16, 0.75), (0.16, 0.9), (0.16, 1.0))
"""Share of the steps in each stage, and share of the elements that are fixed when the stage ends."""
_RATE = 0.1
"""Learning rate."""
_CAUTION = 2.0
"""Factor on the distortion, because at narrow scales the quantiser drops more than is counted here."""


class HyperCost:
    """Rate and distortion of a window of cells as a function of its z."""

    def __init__(self, networks: "TorchNetworks", y: NDArray[np.float32], point: OperatingPoint) -> None:
        """Prepare a window.

        Args:
            networks: networks of the model.
            y: (M, h, w), latents of the window.
            point: model at the picture's quality.
        """
        self.networks = networks
        device = networks.place
        self.y = torch.from_numpy(y)[None].to(device)
        self.at = networks.point(point.position)
        sigma = torch.tensor(ladder(), device=device)
        self.sigma_z = sigma[torch.from_numpy(point.hyper_indices).long().to(device)][:, None, None]
        self.mean_z = torch.from_numpy(point.hyper_means).to(device).float()[:, None, None]
        self.bound = torch.from_numpy(point.hyper_bounds).to(device)[:, None, None]
        self.shift: Tensor | float = 0.0
        if point.index_offsets is not None:
            self.shift = torch.from_numpy(point.index_offsets).to(device).float()[:, None, None] / LEVELS_PER_NAT
        with torch.no_grad():
            self.worth = _CAUTION * networks.model.curvature(self.at, point.channels)[0, :, None, None]

    def __call__(self, z: Tensor, *, hard: bool) -> Tensor:
        """Return the cost of z, (1, Z, rows, columns), in bits.

        Args:
            z: real or integer values.
            hard: count the rounded symbols that would be coded; otherwise count a smooth bound of their cost.
        """
        rows, cols = self.y.shape[2:]
        log_scale = self.networks.twin.log_scale(z, self.at)[:, :, :rows, :cols] + self.shift
        sigma = torch.exp(log_scale.clamp(LOG_SCALE_MIN, LOG_SCALE_MAX))
        coded = sigma.detach() >= SKIP_BELOW

        def known(first: Tensor) -> Tensor:
            error = self.y - first[:, :, :rows, :cols]
            r = torch.where(coded, error.round() if hard else error, 0)
            return first + to_cells(r, first.shape[2:])

        r = self.y - self.networks.model.context.two_steps(z, known)[:, :, :rows, :cols]
        sent = r.round() if hard else r
        bits = torch.where(coded, unit_bits(sent, sigma), 0.0)
        distortion = self.worth * torch.where(coded, r - sent, r).square()
        return bits.sum() + distortion.sum() + unit_bits(z - self.mean_z, self.sigma_z).sum()


def refined_hyper(
    networks: "TorchNetworks",
    y: NDArray[np.float32],
    z: NDArray[np.int16],
    free: slice,
    point: OperatingPoint,
    steps: int,
) -> NDArray[np.int16]:
    """Refine some rows of z to decrease rate plus distortion.

    Args:
        networks: networks of the model.
        y: (M, h, w), latents of all cells in ``z``.
        z: (Z, ceil(h/4), ceil(w/4)) int16, as chosen by the hyper-analysis.
        free: rows of z that may change.
        point: model at the picture's quality.
        steps: number of steps of gradient descent.

    Returns:
        The rows ``free``, int16; unchanged if the refined z is not better.
    """
    cost = HyperCost(networks, y, point)
    start = torch.from_numpy(z.astype(np.float32))[None].to(networks.place)
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
