"""Squared errors and the peak signal-to-noise ratio."""

import math

import numpy as np

from aez.codec.picture.depth import Samples


def psnr_of(a: Samples, b: Samples) -> float:
    """Return the PSNR in dB of two pictures of the same shape and type, at their depth; infinite if they are equal."""
    total = squared_error(a, b)
    return 10 * math.log10(a.size / total) if total else math.inf


def squared_error(a: Samples, b: Samples) -> float:
    """Return the squared difference of two pictures of the same shape and type, summed over samples in [0, 1]."""
    total = sum(float(np.square(x.astype(np.float32) - y).sum(dtype=np.float64)) for x, y in zip(a, b, strict=True))
    return total / int(np.iinfo(a.dtype).max) ** 2
