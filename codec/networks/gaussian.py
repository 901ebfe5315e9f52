"""What a Gaussian entropy model charges, as a function with gradients; files are coded by integer tables."""

import math

import torch
from torch import Tensor


def unit_bits(values: Tensor, sigma: Tensor) -> Tensor:
    """−log₂(Φ((v + ½) / σ) − Φ((v − ½) / σ)): bits of the unit interval around each value, under N(0, σ²).

    By logarithms of Φ, so that values far out have a finite cost and a gradient too.

    Args:
        values: any shape, floating point.
        sigma: positive, of a shape that broadcasts.
    """
    magnitude = values.abs()
    upper = torch.special.log_ndtr((0.5 - magnitude) / sigma)
    lower = torch.special.log_ndtr((-0.5 - magnitude) / sigma)
    nats: Tensor = upper + torch.log1p(-torch.exp((lower - upper).clamp_max(-1e-6)))
    return nats / -math.log(2)
