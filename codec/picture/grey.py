"""Grey pictures that are stored as RGB: their samples are coded once and given back three times."""

import numpy as np
from numpy.typing import NDArray

from aez.codec.picture.fill import filled
from aez.codec.picture.picture import Picture

_BAND = 256
"""Rows compared at a time: a coloured picture is told from its first ones."""


def coded_samples(picture: Picture) -> tuple[NDArray[np.uint8], str]:
    """Samples as the codec takes them, and the header's name for what they were.

    What is transparent is filled. RGB samples that are grey in every pixel become one plane, which keeps them grey
    exactly and costs a third of the work.

    Returns:
        (H, W, 3) or (H, W) uint8, and one of :data:`aez.bitstream.header.COLOURS`.
    """
    samples = picture.samples if picture.alpha is None else filled(picture.samples, picture.alpha)
    if samples.ndim == 2:
        return samples, "grey"
    for top in range(0, len(samples), _BAND):
        band = samples[top : top + _BAND]
        if not (band[..., :1] == band[..., 1:]).all():
            return samples, "RGB"
    return np.ascontiguousarray(samples[..., 0]), "grey RGB"


def as_stored(samples: NDArray[np.uint8], colour: str) -> NDArray[np.uint8]:
    """Inverse of :func:`coded_samples`: decoded samples, (H, W, 3) or (H, W), in the shape that ``colour`` names."""
    return np.repeat(samples[:, :, None], 3, axis=2) if colour == "grey RGB" else samples
