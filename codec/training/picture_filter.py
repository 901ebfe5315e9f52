"""The model's own weights of the picture filter: the best for many pictures at once, at every quality point."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from aez.codec.effort import DEFAULT_EFFORT, effort_of
from aez.codec.engine import Engine
from aez.codec.networks.quality import POSITION_SCALE
from aez.codec.picture_filter import Moments
from aez.codec.training.data import middle
from aez.codec.weightfile import Weights, parse_weights, serialise_weights

PICTURES, CROP = 32, 384
_STEP = 0.08
"""Unit of a file's differences, as a share of the root mean square of what a weight multiplies: finer ones cost more
bits than they save error (0.02 to 0.08 tried)."""
_RIDGE, _LEAST = 1e-4, 1e-3
"""What keeps weights of inputs that hardly vary small, and their steps."""


def with_picture_filter(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """The same model with a picture filter; unchanged if its default effort corrects nothing by squared error.

    Args:
        weights: any model.
        pictures: (3, H, W) uint8; the middle of each is used.
    """
    how = effort_of(DEFAULT_EFFORT, weights.distortion)
    if not how.passes:
        return weights
    engine = Engine(weights, torch.device("cpu"), torch.float32)
    sums = [Moments(3) for _ in range(weights.config.points)]
    energy = [np.zeros(len(total.square)) for total in sums]
    for picture in pictures:
        samples = middle(picture, CROP).permute(1, 2, 0).contiguous().numpy()
        for point, total in enumerate(sums):
            moments = Moments(3)
            engine.encode(samples, point * POSITION_SCALE, how, moments=moments)
            # Every picture counts alike, however hard it is.
            share = moments.pixels / max(moments.error, 1.0)
            total.square += share * moments.square
            total.product += share * moments.product
            energy[point] += moments.square.diagonal() / moments.pixels
            total.pixels += 1
    mean, step = [], []
    for total, spread in zip(sums, energy, strict=True):
        diagonal = total.square.diagonal()
        ridge = np.diag(_RIDGE * (diagonal + 1e-3 * diagonal.mean()) + 1e-9)
        mean.append(np.linalg.solve(total.square + ridge, total.product).T.reshape(-1))
        step.append(_STEP / np.sqrt(spread / max(total.pixels, 1) + _LEAST))
    tensors = dict(weights.tensors)
    tensors["filter.mean"] = torch.from_numpy(np.stack(mean)).half()
    tensors["filter.step"] = torch.from_numpy(np.stack(step)).half()
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))
