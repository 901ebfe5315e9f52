"""The smoothest continuation of a picture into its holes."""

import torch.nn.functional as F
from torch import Tensor

ITERATIONS = 400
TOLERANCE = 1e-4
"""Ends the iteration when the residual's norm is this share of the first one."""


def biharmonic(x: Tensor, known: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Minimise ∫(Δu)² over the unknown pixels, so that Δ²u = 0 there (Damelin & Hoang, 2018), by conjugate gradients.

    Holes that are wider than some 50 pixels are not solved to the end: there the coarse first guess stays visible,
    smoothed.

    Args:
        x: (1, C, H, W), with a first guess where nothing is known.
        known: (1, 1, H, W), 1 where ``x`` is kept, 0 elsewhere.
        iterations: at most.

    Returns:
        (1, C, H, W) in ``x``'s dtype.
    """
    free = (1 - known).double()
    u = x.double()
    residual = -free * _laplacian(_laplacian(u))
    direction, square = residual, residual.square().sum()
    end = square * TOLERANCE**2
    for _ in range(iterations):
        if square <= end:
            break
        image = free * _laplacian(_laplacian(direction))
        step = square / (direction * image).sum()
        u = u + step * direction
        residual = residual - step * image
        before, square = square, residual.square().sum()
        direction = residual + square / before * direction
    return u.to(x.dtype)


def _laplacian(u: Tensor) -> Tensor:
    """Sum of the four neighbours less four times the pixel; beyond the edge it goes on: so the map is symmetric."""
    p = F.pad(u, (1, 1, 1, 1), mode="replicate")
    return p[..., :-2, 1:-1] + p[..., 2:, 1:-1] + p[..., 1:-1, :-2] + p[..., 1:-1, 2:] - 4 * u
