"""Continuous quality: logarithmic gains per channel, interpolated between quality points."""

import math

import torch
from torch import Tensor, nn

from aez.codec.model.quality import LAMBDA_HIGH, LAMBDA_LOW


def lambda_of(position: Tensor, points: int, high: float = LAMBDA_HIGH) -> Tensor:
    """Return λ·255² at real-valued quality points (any shape), λ on CompressAI's scale, log-linear up to ``high``.

    The training loss of a picture at this quality is bpp + λ·255²·MSE, samples in [0, 1].
    """
    return 255**2 * LAMBDA_LOW * torch.exp(position * (math.log(high / LAMBDA_LOW) / (points - 1)))


class QualityTable(nn.Module):
    """A (points, channels) table of logarithmic gains."""

    def __init__(self, points: int, channels: int, first: float = 0.0, last: float = 0.0) -> None:
        """Start with rows rising linearly from ``first`` to ``last``."""
        super().__init__()
        self.rows = nn.Parameter(torch.empty(points, channels))
        if not self.rows.is_meta:
            with torch.no_grad():
                self.rows.copy_(torch.linspace(first, last, points)[:, None])

    def forward(self, position: Tensor) -> Tensor:
        """Interpolate linearly at real-valued quality points, (N,) in [0, points − 1], to (N, channels, 1, 1)."""
        below = position.floor().clamp(0, self.rows.shape[0] - 2).long()
        weight = (position - below)[:, None].to(self.rows.dtype)
        return (self.rows[below] * (1 - weight) + self.rows[below + 1] * weight)[:, :, None, None]
