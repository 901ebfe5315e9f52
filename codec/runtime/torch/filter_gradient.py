"""The picture filter with gradients, for training and for uses of the codec as a prior of photographs.

Weights, directions and activity are constants in the gradient.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.codec.model.filter_weights import AXES
from aez.codec.runtime.picture_filter import LIMIT, REACH, Neighbourhood, ends, steps


def neighbourhoods(x: Tensor) -> list[Neighbourhood]:
    """Compute the filter inputs of each picture, without gradient.

    Args:
        x: (N, C, H, W), samples / 255 − 1/2.
    """
    with torch.no_grad():
        return [Neighbourhood(planes.contiguous()) for planes in _planes(x)]


def filtered_pictures(x: Tensor, weights: Tensor, seen: list[Neighbourhood]) -> Tensor:
    """Filter a batch of pictures.

    Args:
        x: (N, C, H, W), samples / 255 − 1/2.
        weights: (N, C, NODES, inputs), those of each picture in the shape of
            :func:`~aez.codec.model.filter_weights.weight_shape`.
        seen: result of :func:`neighbourhoods`.

    Returns:
        (N, C, H, W), not clipped.
    """
    change: Tensor = _Filter.apply(_planes(x), weights, seen)
    return x + change / 255


def _planes(x: Tensor) -> Tensor:
    return F.pad((x + 0.5) * 255, (REACH,) * 4, mode="replicate")


class _Filter(torch.autograd.Function):
    """The change that the filter makes. Its gradient is explicit: torch would allocate a whole array for each slice."""

    @staticmethod
    def forward(ctx: Any, planes: Tensor, weights: Tensor, seen: list[Neighbourhood]) -> Tensor:
        """Compute the change in levels, (N, C, H, W), of planes (N, C, H + 2 · REACH, W + 2 · REACH)."""
        ctx.save_for_backward(planes, weights)
        ctx.seen = seen
        out = []
        for weight, crop in zip(weights, seen, strict=True):
            parts = torch.einsum("cni,ip->ncp", weight, crop.inputs.flatten(1))
            out.append((parts * crop.shares.flatten(1)[:, None]).sum(0).view(-1, *crop.shares.shape[1:]))
        return torch.stack(out)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient by the planes; there is none by the other arguments."""
        planes, weights = ctx.saved_tensors
        out = torch.zeros_like(planes)
        for total, padded, weight, crop, back in zip(out, planes, weights, ctx.seen, grad, strict=True):
            shared = crop.shares.flatten(1)[:, None] * back.flatten(1)
            inputs = torch.einsum("cni,ncp->ip", weight, shared).view(-1, *back.shape[1:])
            _accumulate(total, padded, crop.turn, inputs)
        return out, None, None


def _accumulate(total: Tensor, planes: Tensor, turn: list[Tensor], grad: Tensor) -> None:
    """Convert the gradient by the filter inputs to one by the planes, and add it to ``total``.

    Args:
        total: (C, H + 2 · REACH, W + 2 · REACH), modified in place.
        planes: the planes, of the same shape.
        turn: as in :class:`Neighbourhood`.
        grad: gradient by the inputs, (inputs, H, W).
    """
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
    """Add to ``total`` the gradient of the second differences along an axis."""
    down, across = axis
    rows, cols = grad.shape[-2:]
    for sign in (1, -1):
        top, left = REACH + sign * down, REACH + sign * across
        total[..., top : top + rows, left : left + cols] += grad
    total[..., REACH : REACH + rows, REACH : REACH + cols] -= 2 * grad


def _step_back(total: Tensor, grad: Tensor, axis: tuple[int, int]) -> None:
    """Add to ``total`` the gradient of :func:`steps`."""
    (down, across), (height, width) = axis, total.shape[-2:]
    left, right = REACH - max(across, 0), width - REACH - min(across, 0)
    total[..., REACH : height - REACH + down, left + across : right + across] += grad
    total[..., REACH - down : height - REACH, left:right] -= grad
