"""The picture filter in training: every crop behind the filter that its own encoder would find.

The weights are the best ones for the crop and, to a part, for those beside it in the batch, which have nearly its
quality: a file's filter is chosen for more than one crop, and what is new in it costs bits. By the envelope theorem the
gradient needs nothing of how they were found; that of directions and activity is left out.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.codec.picture_filter import AXES, LIMIT, NODES, REACH, Neighbourhood, ends, input_count, steps

_EVERY = 4
"""Rows from one to the next that count for the weights."""
_BESIDE = 0.3
"""How much a crop beside another counts for its weights."""
_RIDGE = 1e-3


def filtered_crops(x_hat: Tensor, x: Tensor) -> Tensor:
    """Decoded crops behind their filters.

    Args:
        x_hat: (N, 3, H, W), samples / 255 − 1/2, in the order of their qualities.
        x: the originals.

    Returns:
        (N, 3, H, W), not clipped; the gradient is that for fixed weights.
    """
    planes = F.pad((x_hat + 0.5) * 255, (REACH,) * 4, mode="replicate")
    with torch.no_grad():
        seen = [Neighbourhood(padded.contiguous()) for padded in planes]
        weights = _weights(seen, (x - x_hat) * 255)
    change: Tensor = _Filter.apply(planes, weights, seen)
    return x_hat + change / 255


def _weights(seen: list[Neighbourhood], missing: Tensor) -> Tensor:
    """Weights for every crop, (N, C, NODES, inputs)."""
    channels = missing.shape[1]
    square, product = [], []
    for crop, lacks in zip(seen, missing, strict=True):
        own, shares = crop.inputs[:, ::_EVERY].flatten(1), crop.shares[:, ::_EVERY].flatten(1)
        weighted = (shares[:, None] * own).flatten(0, 1)
        target = lacks[:, ::_EVERY].flatten(1)
        scale = 1 / target.square().sum().clamp_min(1.0)
        square.append(weighted @ weighted.t() * scale)
        product.append(weighted @ target.t() * scale)
    a, b = (_with_neighbours(torch.stack(sums).double()) for sums in (square, product))
    diagonal = a.diagonal(dim1=1, dim2=2)
    ridge = _RIDGE * (diagonal + 1e-2 * diagonal.mean(1, keepdim=True)) + 1e-12
    found: Tensor = torch.linalg.solve(a + torch.diag_embed(ridge), b).float()
    return found.transpose(1, 2).reshape(-1, channels, NODES, input_count(channels))


def _with_neighbours(sums: Tensor) -> Tensor:
    out = sums.clone()
    out[1:] += _BESIDE * sums[:-1]
    out[:-1] += _BESIDE * sums[1:]
    return out


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
