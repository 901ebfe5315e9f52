"""First weights of a new model: the hyperprior is fitted to data, as a linear regression, before any training."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.codec.networks import HyperpriorModel

Z_STEP = 0.7
"""Units of z per unit of a principal component."""
RIDGE = 30.0
"""Penalty of the ridge regression, in counts of positions."""


@torch.no_grad()
def start_from_data(model: HyperpriorModel, batches: Iterable[Tensor]) -> None:
    """Make z the leading principal components of log(1 + |y|) over 4×4 positions, and log σ a ridge regression on z.

    Without this start, the networks need most of their training to learn that σ is about |y|.

    Args:
        model: untrained model on the CPU; changed in place.
        batches: a few hundred crops in all, (N, 3, H, W), sides multiples of 64.
    """
    points = model.config.points
    features, targets = [], []
    for x in batches:
        linear = model.analysis.linear(F.pixel_unshuffle(x, 16))
        for point in (2 / 15, 6 / 15, 10 / 15, 14 / 15):
            gain = model.encoder_gain(torch.full((len(x),), point * (points - 1)))
            y = linear * torch.exp(gain)
            features.append(_cells(torch.log1p(y.abs())))
            targets.append(_cells(torch.log(y.abs() + 0.3) + 0.3 - gain))
    feature, target = torch.cat(features), torch.cat(targets)
    mean = feature.mean(0)
    feature = feature - mean
    vectors = torch.linalg.eigh(feature.T @ feature / len(feature))[1].flip(1)[:, : model.config.hyper]
    projection = vectors.T * Z_STEP
    z = torch.cat([(feature @ projection.T).round(), torch.ones(len(feature), 1)], 1)
    penalty = RIDGE * torch.eye(z.shape[1])
    penalty[-1, -1] = 0
    weight = torch.linalg.solve(z.T @ z + penalty, z.T @ target)
    model.hyper_analysis.linear.weight.copy_(projection[:, :, None, None])
    model.hyper_analysis.linear.bias.copy_(-(projection @ mean))  # type: ignore[union-attr]
    model.scale.linear.weight.copy_(weight[:-1].T[:, :, None, None])
    model.scale.conv3.bias.copy_(weight[-1])  # type: ignore[union-attr]
    model.hyper_scale.rows.copy_(torch.log((feature @ projection.T).std(0).clamp_min(0.1)))


def _cells(y: Tensor) -> Tensor:
    """Rearrange y (N, M, h, w) to one row of 16·M values per position of z."""
    return F.pixel_unshuffle(y, 4).permute(0, 2, 3, 1).flatten(0, 2)
