"""Continue a picture smoothly into its holes."""

import torch.nn.functional as F
from torch import Tensor

ITERATIONS = 400
TOLERANCE = 1e-4
"""Share of the first residual's norm at which the iteration ends."""


def biharmonic(x: Tensor, known: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Minimise ∫(Δu)² over the unknown pixels, so that Δ²u = 0 there (Damelin & Hoang, 2018), by conjugate gradients.

    Holes wider than about 50 pixels are not solved completely: a smoothed version of the first guess remains.

    Args:
        x: (1, C, H, W), with a first guess at unknown pixels.
        known: (1, 1, H, W), 1 where ``x`` is kept, 0 elsewhere.
        iterations: largest number of iterations.

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
    """Apply the five-point Laplacian; edge pixels are replicated, which keeps the operator symmetric."""
    p = F.pad(u, (1, 1, 1, 1), mode="replicate")
    return p[..., :-2, 1:-1] + p[..., 2:, 1:-1] + p[..., 1:-1, :-2] + p[..., 1:-1, 2:] - 4 * u
