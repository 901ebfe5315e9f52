"""The model's own weights of the picture filter: the best for many pictures at once, at every quality point."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.encoding.effort import DEFAULT_EFFORT, effort_of
from aez.codec.encoding.encoder import encode
from aez.codec.model.filter_weights import FilterFit
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import FILTER_INPUTS, Weights, parse_weights, serialise_weights
from aez.codec.runtime.engine import Engine
from aez.codec.runtime.torch.picture_filter import Moments
from aez.codec.training.data import middle

PICTURES, FIRST, CROP = 32, 8, 384
_STEP = 0.08
"""Unit of a file's differences, as a share of the root mean square of what a weight multiplies: finer ones cost more
bits than they save error (0.02 to 0.08 tried)."""
_START_STEP = 0.03
_RIDGE, _LEAST = 1e-4, 1e-3
"""What keeps weights of inputs that hardly vary small, and their steps."""


def with_picture_filter(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """The same model with a picture filter.

    Corrections of the latents know of the filter, so it is found twice: on a few pictures beginning without, and on all
    with what these gave.

    Args:
        weights: any model.
        pictures: (3, H, W) uint8; the middle of each is used.
    """
    crops = [middle(picture, CROP).permute(1, 2, 0).contiguous().numpy() for picture in pictures]
    points = weights.config.points
    start = _with(weights, np.zeros((points, 3 * FILTER_INPUTS)), np.full((points, FILTER_INPUTS), _START_STEP))
    return _fitted(_fitted(start, crops[:FIRST]), crops)


def _fitted(weights: Weights, crops: list[NDArray[np.uint8]]) -> Weights:
    """A filter for pictures, (H, W, 3) uint8, as they are decoded now."""
    engine = Engine(weights, torch.device("cpu"), torch.float32)
    how = effort_of(DEFAULT_EFFORT, weights.distortion)
    mean, step = [], []
    for point in range(weights.config.points):
        position = point * POSITION_SCALE
        total, energy = Moments(3), np.zeros(FILTER_INPUTS)
        for samples in crops:
            fit = FilterFit(weights, position, 3)
            encode(engine, samples, position, how, fit=fit)
            moments = fit.moments
            # Every picture counts alike, however hard it is.
            share = moments.pixels / max(moments.error, 1.0)
            total.square += share * moments.square
            total.product += share * moments.product
            energy += moments.square.diagonal() / moments.pixels
        diagonal = total.square.diagonal()
        ridge = np.diag(_RIDGE * (diagonal + 1e-3 * diagonal.mean()) + 1e-9)
        mean.append(np.linalg.solve(total.square + ridge, total.product).T.reshape(-1))
        step.append(_STEP / np.sqrt(energy / max(len(crops), 1) + _LEAST))
    return _with(weights, np.stack(mean), np.stack(step))


def _with(weights: Weights, mean: NDArray[np.float64], step: NDArray[np.float64]) -> Weights:
    tensors = dict(weights.tensors)
    tensors["filter.mean"], tensors["filter.step"] = torch.from_numpy(mean).half(), torch.from_numpy(step).half()
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))
