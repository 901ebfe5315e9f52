"""Code grey pictures that are stored as RGB as a single plane."""

import numpy as np

from aez.codec.picture.alpha.fill import filled
from aez.codec.picture.depth import Samples
from aez.codec.picture.picture import Picture

_BAND = 256
"""Rows that are compared at a time, so that a coloured picture is recognised from its first rows."""


def coded_samples(picture: Picture) -> tuple[Samples, str]:
    """Return the samples to code and the header's name of their colour type.

    Wholly transparent pixels are filled. RGB samples that are grey in every pixel become one plane: it keeps them
    exactly grey and costs a third of the work.

    Returns:
        (H, W, 3) or (H, W), and one of :data:`aez.bitstream.header.COLOURS`.
    """
    samples = picture.samples if picture.alpha is None else filled(picture.samples, picture.alpha)
    if samples.ndim == 2:
        return samples, "grey"
    for top in range(0, len(samples), _BAND):
        band = samples[top : top + _BAND]
        if not (band[..., :1] == band[..., 1:]).all():
            return samples, "RGB"
    return np.ascontiguousarray(samples[..., 0]), "grey RGB"


def as_stored(samples: Samples, colour: str) -> Samples:
    """Return decoded samples, (H, W, 3) or (H, W), in the shape that ``colour`` names: undo :func:`coded_samples`."""
    return np.repeat(samples[:, :, None], 3, axis=2) if colour == "grey RGB" else samples
