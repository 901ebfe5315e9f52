"""Peak signal-to-noise ratio."""

import math

import numpy as np
from numpy.typing import NDArray


def psnr_of(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the PSNR in dB of two pictures of the same shape; infinite if they are equal."""
    total = sum(float(np.square(x.astype(np.float32) - y).sum(dtype=np.float64)) for x, y in zip(a, b, strict=True))
    return 10 * math.log10(255**2 * a.size / total) if total else math.inf
