"""Peak signal-to-noise ratio."""

import math

import numpy as np

from aez.codec.picture.depth import Samples


def psnr_of(a: Samples, b: Samples) -> float:
    """Return the PSNR in dB of two pictures of the same shape and type, at their depth; infinite if they are equal."""
    total = sum(float(np.square(x.astype(np.float32) - y).sum(dtype=np.float64)) for x, y in zip(a, b, strict=True))
    peak = int(np.iinfo(a.dtype).max)
    return 10 * math.log10(peak**2 * a.size / total) if total else math.inf
