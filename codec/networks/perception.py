"""The distortion of pictures as they are seen, for training and for choosing symbols.

A sum of the errors of SSIMULACRA 2, of 1 − MS-SSIM, of the errors of contrast and of the squared error. Metrics of
different construction hold each other back from what only one of them likes: the first two count a lost weave as they
count lost clouds, the third by its contrast. The squared error keeps flat colours.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aez.codec.networks.contrast import contrast_error
from aez.codec.networks.ms_ssim import ms_ssim
from aez.codec.networks.ssimulacra2 import ssimulacra2_error
from aez.codec.picture.ms_ssim import SMALLEST_SIDE
from aez.codec.picture.perception import CONTRAST_SHARE, MS_SSIM_SHARE, MSE_SHARE, SSIMULACRA2_SHARE, perceptual_slope
from aez.codec.picture.ssimulacra2 import SMALLEST_SIDE as SMALLEST_SCALE


def perceptual_distortion(x: Tensor, y: Tensor) -> Tensor:
    """Compute the distortion of each pair of pictures; it is about as large as the mean squared error.

    A picture that is too small for MS-SSIM counts SSIMULACRA 2 twice, which is about as much; one that is too small for
    that has its squared error only.

    Args:
        x: originals, (N, 3, H, W), samples / 255 − 1/2.
        y: decoded, the same shape; not clipped.

    Returns:
        (N,); differentiable.
    """
    square = (y - x).square().mean((1, 2, 3))
    side = min(x.shape[2:])
    if side < SMALLEST_SCALE:
        return square
    original, decoded = (x + 0.5) * 255, (y + 0.5) * 255
    seen = SSIMULACRA2_SHARE * ssimulacra2_error(original, decoded.clamp(0, 255))
    similar = seen if side < SMALLEST_SIDE else MS_SSIM_SHARE * (1 - ms_ssim(original, decoded))
    return seen + similar + CONTRAST_SHARE * contrast_error(original, decoded) + MSE_SHARE * square


def perceptual_loss(x: Tensor, y: Tensor) -> Tensor:
    """Compute :func:`perceptual_distortion` for training: on a CPU with its slope written out, in half of the time.

    There, all but the squared error is that of clipped samples; the squared error draws samples back into the range.

    Args:
        x: originals, (N, 3, H, W) float32, levels / 255 − 1/2.
        y: decoded, the same shape; not clipped.

    Returns:
        (N,) float32; differentiable by ``y``, once.
    """
    if x.device.type != "cpu" or not y.requires_grad:
        return perceptual_distortion(x, y)
    clipped = y.clamp(-0.5, 0.5)
    beyond = (y - x).square().mean((1, 2, 3)) - (clipped - x).square().mean((1, 2, 3))
    seen: Tensor = _WithSlope.apply(x, clipped)
    return seen + MSE_SHARE * beyond


class _WithSlope(torch.autograd.Function):
    """The perceptual distortion of clipped pictures, and its slope by the decoded ones."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        """Compute both; the slope is kept."""
        originals, decoded = (((z + 0.5) * 255).permute(0, 2, 3, 1).contiguous().numpy() for z in (x, y))
        found = [perceptual_slope(one, original) for one, original in zip(decoded, originals, strict=True)]
        slopes = np.stack([slope for _, slope in found]).transpose(0, 3, 1, 2) / np.float32(x[0].numel())
        ctx.save_for_backward(torch.from_numpy(np.ascontiguousarray(slopes)))
        return torch.tensor([distortion for distortion, _ in found], dtype=x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[None, Tensor]:
        """Return the slope times the gradient of each picture."""
        (slope,) = ctx.saved_tensors
        return None, slope * gradients[0][:, None, None, None]
