"""The picture filter in training: every crop behind the filter that its own encoder would find.

The weights are the best ones for the crop and, to a part, for those beside it in the batch, which have nearly its
quality: a file's filter is chosen for more than one crop, and what is new in it costs bits. By the envelope theorem the
gradient needs nothing of how they were found.
"""

import torch
from torch import Tensor

from aez.codec.runtime.torch.filter_gradient import filtered_pictures, neighbourhoods
from aez.codec.runtime.torch.picture_filter import NODES, Neighbourhood, input_count

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
    seen = neighbourhoods(x_hat)
    with torch.no_grad():
        weights = _weights(seen, (x - x_hat) * 255)
    return filtered_pictures(x_hat, weights, seen)


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
