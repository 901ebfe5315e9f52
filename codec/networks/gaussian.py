"""Differentiable rate of a Gaussian entropy model; files are coded with integer tables instead."""

import math

import torch
from torch import Tensor


def unit_bits(values: Tensor, sigma: Tensor) -> Tensor:
    """Return −log₂(Φ((v + ½) / σ) − Φ((v − ½) / σ)), the bits of the unit interval around each value under N(0, σ²).

    The computation uses logarithms of Φ, so values in the far tails have a finite cost and a gradient.

    Args:
        values: any shape, floating point.
        sigma: positive; broadcasts to ``values``.
    """
    magnitude = values.abs()
    upper = torch.special.log_ndtr((0.5 - magnitude) / sigma)
    lower = torch.special.log_ndtr((-0.5 - magnitude) / sigma)
    nats: Tensor = upper + torch.log1p(-torch.exp((lower - upper).clamp_max(-1e-6)))
    return nats / -math.log(2)
