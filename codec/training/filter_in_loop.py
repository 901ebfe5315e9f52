"""The adaptive loop filter in training: each decoded crop is filtered as its own file would be.

The weights of a crop are a least-squares fit to the crop and, with less weight, to its neighbours in the batch, which
have nearly the same quality. A file has one filter for a whole picture and pays for its weights, so a fit to one crop
alone would be too good. By the envelope theorem the gradient need not pass through the fit.
"""

import torch
from torch import Tensor

from aez.codec.model.filter_weights import NODES, input_count
from aez.codec.runtime.picture_filter import Neighbourhood
from aez.codec.runtime.torch.filter_gradient import filtered_pictures, neighbourhoods

_EVERY = 4
"""The weights are fitted to every fourth row."""
_BESIDE = 0.3
"""Weight of the neighbours in the batch in the fit of a crop."""
_RIDGE = 1e-3


def filtered_crops(x_hat: Tensor, x: Tensor) -> Tensor:
    """Filter decoded crops.

    Args:
        x_hat: decoded crops (N, 3, H, W), samples / 255 − 1/2, in the order of their qualities.
        x: original crops, the same shape.

    Returns:
        (N, 3, H, W), not clipped; the gradient treats the weights of the filter as constants.
    """
    seen = neighbourhoods(x_hat)
    with torch.no_grad():
        weights = _weights(seen, (x - x_hat) * 255)
    return filtered_pictures(x_hat, weights, seen)


def _weights(seen: list[Neighbourhood], missing: Tensor) -> Tensor:
    """Fit the weights of every crop, (N, C, NODES, inputs)."""
    channels = missing.shape[1]
    square, product = [], []
    for crop, lacks in zip(seen, missing, strict=True):
        own, shares = crop.inputs[:, ::_EVERY].flatten(1), crop.shares[:, ::_EVERY].flatten(1)
        weighted = (shares[:, None] * own).flatten(0, 1)
        target = lacks[:, ::_EVERY].flatten(1)
        scale = 1 / target.square().sum().clamp_min(1.0)
        square.append(weighted @ weighted.t() * scale)
        product.append(weighted @ target.t() * scale)
    a, b = (_with_neighbours(in_double(torch.stack(sums))) for sums in (square, product))
    diagonal = a.diagonal(dim1=1, dim2=2)
    ridge = _RIDGE * (diagonal + 1e-2 * diagonal.mean(1, keepdim=True)) + 1e-12
    found: Tensor = torch.linalg.solve(a + torch.diag_embed(ridge), b).float()
    return found.to(missing.device).transpose(1, 2).reshape(-1, channels, NODES, input_count(channels))


def in_double(x: Tensor) -> Tensor:
    """Return a tensor in float64, on the CPU if its device (MPS) has no float64."""
    return x.cpu().double() if x.device.type == "mps" else x.double()


def _with_neighbours(sums: Tensor) -> Tensor:
    """Add the sums of the neighbours in the batch to those of each crop."""
    out = sums.clone()
    out[1:] += _BESIDE * sums[:-1]
    out[:-1] += _BESIDE * sums[1:]
    return out
