"""Errors of local contrast in torch; :mod:`aez.codec.picture.contrast` describes them."""

import torch
from torch import Tensor, nn

from aez.codec.picture.contrast import (
    BEST,
    BOUND,
    FLOOR,
    GLARE,
    HALF,
    LUMINANCE,
    MASK,
    MASK_POWER,
    MASK_SHARE,
    MASK_TAPS,
    PEAK,
    POWER,
    STEEP,
    TAPS,
)
from aez.codec.picture.linear_light import to_linear


def contrast_error(x: Tensor, y: Tensor) -> Tensor:
    """Compute the errors of contrast of each pair of pictures.

    Args:
        x: originals, (N, 3, H, W), 0 … 255.
        y: decoded, the same shape; samples beyond the range are clipped.

    Returns:
        (N,), 0 for equal pictures; differentiable by y.
    """
    original, around = _contrast(x)
    sensitivity = BEST / (1 + (HALF / around) ** STEEP)
    contrast, _ = _contrast(y)
    mask = _filtered(torch.minimum(original.abs(), contrast.detach().abs()) * sensitivity, MASK_TAPS)
    apart = ((contrast - original) * sensitivity).abs()
    error = apart**POWER / (1 + MASK_SHARE * (MASK * mask) ** MASK_POWER)
    bounded = BOUND * error / (BOUND + error)
    return (bounded.square().mean((1, 2, 3)) + FLOOR**2).sqrt() - FLOOR


def _contrast(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the contrast of the second band, and the luminance around, both (N, 1, ⌈H/2⌉, ⌈W/2⌉)."""
    linear = to_linear(x.clamp(0, 255))
    weights = x.new_tensor(LUMINANCE).view(1, 3, 1, 1)
    half = _filtered((PEAK * weights * linear).sum(1, keepdim=True) + GLARE, TAPS, 2)
    around = _expanded(_filtered(half, TAPS, 2), half.shape[2:])
    return 2 * (half - around) / around, around


def _filtered(x: Tensor, taps: tuple[float, ...], stride: int = 1) -> Tensor:
    """Filter both sides, each sample or each second; samples beyond the borders repeat those at them."""
    kernel, side = x.new_tensor(taps), len(taps) // 2
    padded = nn.functional.pad(x, (side, side, side, side), mode="replicate")
    rows = nn.functional.conv2d(padded, kernel.view(1, 1, -1, 1), stride=(stride, 1))
    return nn.functional.conv2d(rows, kernel.view(1, 1, 1, -1), stride=(1, stride))


def _expanded(x: Tensor, shape: torch.Size) -> Tensor:
    """Double both sides, to ``shape``."""
    for dim, size in zip((2, 3), shape, strict=True):
        last = x.shape[dim] - 1
        before = torch.cat((x.narrow(dim, 0, 1), x.narrow(dim, 0, last)), dim)
        after = torch.cat((x.narrow(dim, 1, last), x.narrow(dim, last, 1)), dim)
        even, odd = 2 * TAPS[0] * (before + after) + 2 * TAPS[2] * x, 2 * TAPS[1] * (x + after)
        x = torch.stack((even, odd), dim + 1).flatten(dim, dim + 1).narrow(dim, 0, size)
    return x
