"""The picture filter where gradients go through it: in training, and where the codec is a prior of photographs.

The gradient is that for fixed weights, directions and activity.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.codec.model.filter_weights import AXES
from aez.codec.runtime.torch.picture_filter import LIMIT, REACH, Neighbourhood, ends, steps


def neighbourhoods(x: Tensor) -> list[Neighbourhood]:
    """What the filter sees of each picture (N, C, H, W), samples / 255 − 1/2, without gradient."""
    with torch.no_grad():
        return [Neighbourhood(planes.contiguous()) for planes in _planes(x)]


def filtered_pictures(x: Tensor, weights: Tensor, seen: list[Neighbourhood]) -> Tensor:
    """Pictures behind the filter.

    Args:
        x: (N, C, H, W), samples / 255 − 1/2.
        weights: (N, C, NODES, inputs), of :func:`~aez.codec.runtime.torch.picture_filter.weight_shape` each.
        seen: what :func:`neighbourhoods` gives.

    Returns:
        (N, C, H, W), not clipped.
    """
    change: Tensor = _Filter.apply(_planes(x), weights, seen)
    return x + change / 255


def _planes(x: Tensor) -> Tensor:
    return F.pad((x + 0.5) * 255, (REACH,) * 4, mode="replicate")


class _Filter(torch.autograd.Function):
    """What the filter adds; the gradients of all its slices, made by torch, would fill a whole array each."""

    @staticmethod
    def forward(ctx: Any, planes: Tensor, weights: Tensor, seen: list[Neighbourhood]) -> Tensor:
        """Planes (N, C, H + 2 · REACH, W + 2 · REACH) to (N, C, H, W), levels."""
        ctx.save_for_backward(planes, weights)
        ctx.seen = seen
        out = []
        for weight, crop in zip(weights, seen, strict=True):
            parts = torch.einsum("cni,ip->ncp", weight, crop.inputs.flatten(1))
            out.append((parts * crop.shares.flatten(1)[:, None]).sum(0).view(-1, *crop.shares.shape[1:]))
        return torch.stack(out)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of the planes."""
        planes, weights = ctx.saved_tensors
        out = torch.zeros_like(planes)
        for total, padded, weight, crop, back in zip(out, planes, weights, ctx.seen, grad, strict=True):
            shared = crop.shares.flatten(1)[:, None] * back.flatten(1)
            inputs = torch.einsum("cni,ncp->ip", weight, shared).view(-1, *back.shape[1:])
            _accumulate(total, padded, crop.turn, inputs)
        return out, None, None


def _accumulate(total: Tensor, planes: Tensor, turn: list[Tensor], grad: Tensor) -> None:
    """Add to ``total``, (C, H + 2 · REACH, W + 2 · REACH), the gradient of the planes from that of the inputs."""
    channels = len(planes)
    grey = torch.zeros_like(planes[0])
    for number, share in enumerate(turn):
        along, other = grad[2 * number], grad[2 * number + 1]
        moved = (other - along) * share
        _spread(grey, along + moved, AXES[2 * number])
        _spread(grey, other - moved, AXES[2 * number + 1])
    total += grey / channels
    limited = grad[len(AXES) : len(AXES) + channels]
    for axis in AXES:
        step = steps(planes, axis)
        free = step.abs() < LIMIT
        here, before = ends(step.zero_(), axis)
        here += limited
        before -= limited
        _step_back(total, step.mul_(free), axis)
    if channels == 3:
        for axis in AXES[:2]:
            _spread(total[::2], grad[-2:], axis)


def _spread(total: Tensor, grad: Tensor, axis: tuple[int, int]) -> None:
    """Add the gradient of second differences along an axis."""
    down, across = axis
    rows, cols = grad.shape[-2:]
    for sign in (1, -1):
        top, left = REACH + sign * down, REACH + sign * across
        total[..., top : top + rows, left : left + cols] += grad
    total[..., REACH : REACH + rows, REACH : REACH + cols] -= 2 * grad


def _step_back(total: Tensor, grad: Tensor, axis: tuple[int, int]) -> None:
    """Add the gradient of :func:`steps`."""
    (down, across), (height, width) = axis, total.shape[-2:]
    left, right = REACH - max(across, 0), width - REACH - min(across, 0)
    total[..., REACH : height - REACH + down, left + across : right + across] += grad
    total[..., REACH - down : height - REACH, left:right] -= grad
