"""Fit of the adaptive loop filter: the model's own weights at each quality point."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.codec import Codec
from aez.codec.encoding.encoder import encode
from aez.codec.model.filter_weights import Moments
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import FILTER_INPUTS, Weights, parse_weights, serialise_weights
from aez.codec.options import EncodeOptions
from aez.codec.training.data import middle

FIRST, CROP = 8, 384
"""Pictures of the first round, and the side of the part of each picture that is used."""
_STEP = 0.08
"""Quantisation step of the weights in a file, divided by the root mean square of the weight's input."""
_START_STEP = 0.03
_RIDGE, _LEAST = 1e-4, 1e-3
"""Regularisation of weights whose input hardly varies, and of their steps."""


class PictureFilterFit:
    """Fit of the filter's weights, ``filter.*``, by least squares.

    The encoder's corrections of the latents depend on the filter, so there are two rounds: the first, on a few
    pictures, begins without a filter; the second, on all pictures, begins with the result of the first.
    """

    name = "picture_filter"
    needs = 32

    def apply(self, weights: Weights, pictures: Iterable[Tensor]) -> Weights:
        """Measure on the middle of each picture; see :meth:`aez.codec.training.fits.fit.Fit.apply`."""
        crops = [middle(picture, CROP).permute(1, 2, 0).contiguous().numpy() for picture in pictures]
        points = weights.config.points
        start = _with(weights, np.zeros((points, 3 * FILTER_INPUTS)), np.full((points, FILTER_INPUTS), _START_STEP))
        return _fitted(_fitted(start, crops[:FIRST]), crops)


def _fitted(weights: Weights, crops: list[NDArray[np.uint8]]) -> Weights:
    """Fit the filter to crops (H, W, 3) uint8, coded with the model's present filter."""
    codec = Codec(weights, "cpu", "float32")
    mean, step = [], []
    for point in range(weights.config.points):
        position = point * POSITION_SCALE
        total, energy = Moments(3), np.zeros(FILTER_INPUTS)
        for samples in crops:
            fit = encode(codec.setting(position, EncodeOptions.effort), samples).fit
            assert fit is not None  # the model has a filter
            moments = fit.moments
            # Every picture has the same weight, whatever its error.
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
    """Return the model with the filter's weights and steps."""
    tensors = dict(weights.tensors)
    tensors["filter.mean"], tensors["filter.step"] = mean.astype(np.float16), step.astype(np.float16)
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))
