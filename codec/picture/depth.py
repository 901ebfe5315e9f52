"""Depths of samples: 8 bits, and 10, 12 or 16 bits, which are called deep.

Deep samples are uint16 over the whole range of 16 bits wherever a picture is in memory, so that a sample has one
meaning: black is 0 and white 65535. Samples of 10 and 12 bits are scaled up by repeating their first bits. Networks see
levels, real numbers from 0 to 255 whatever the depth.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import ImageError

Samples = NDArray[np.unsignedinteger[Any]]
"""uint8 samples, or uint16 samples over the whole range of 16 bits."""
Levels = NDArray[np.uint8] | NDArray[np.float32]
"""Samples as levels from 0 to 255: integers of 8-bit pictures, float32 of deep ones."""
_FULL = 65535
_STEP = 257
"""Difference of two 16-bit samples whose levels differ by 1."""


def is_deep(samples: Samples) -> bool:
    """Check whether samples are uint16."""
    return samples.dtype.itemsize > 1


def levels_of(samples: Samples) -> Levels:
    """Return samples as levels: uint8 as they are, uint16 as float32, not rounded."""
    if is_deep(samples):
        deep: NDArray[np.float32] = samples.astype(np.float32)
        deep /= np.float32(_STEP)
        return deep
    return np.asarray(samples, np.uint8)


def widened(samples: Samples, depth: int) -> Samples:
    """Scale samples of a depth, 0 … 2**depth − 1, to the whole range of their type by repeating their first bits."""
    if depth in (8, 16):
        return samples
    deep = samples.astype(np.uint16)
    wide: NDArray[np.uint16] = deep << np.uint16(16 - depth) | deep >> np.uint16(2 * depth - 16)
    return wide


def narrowed(samples: Samples, depth: int) -> Samples:
    """Round samples over the whole range of their type to a depth, 0 … 2**depth − 1; undo :func:`widened`."""
    if depth in (8, 16):
        return samples
    top = np.uint32((1 << depth) - 1)
    narrow: NDArray[np.uint16] = ((samples.astype(np.uint32) * top + np.uint32(_FULL // 2)) // _FULL).astype(np.uint16)
    return narrow


def at_depth(samples: Samples, depth: int) -> Samples:
    """Return samples in the type of a depth: uint8 for 8 bits, otherwise uint16 over the whole range."""
    if depth == 8:
        return to_8_bits(samples)
    return samples if is_deep(samples) else to_16_bits(samples)


def to_8_bits(samples: Samples) -> NDArray[np.uint8]:
    """Round samples to 8 bits."""
    if not is_deep(samples):
        return np.asarray(samples, np.uint8)
    out: NDArray[np.uint8] = ((samples.astype(np.uint32) + _STEP // 2) // _STEP).astype(np.uint8)
    return out


def to_16_bits(samples: NDArray[np.generic]) -> NDArray[np.uint16]:
    """Convert samples of any type to 16 bits.

    8-bit samples are scaled up. Of other integers, those within 16 bits are taken as they are. Floats, and integers
    beyond 16 bits, are scaled from their own range.

    Raises:
        ImageError: a sample is not a number.
    """
    if samples.dtype == np.uint8:
        scaled: NDArray[np.uint16] = samples.astype(np.uint16) * np.uint16(_STEP)
        return scaled
    if samples.dtype == np.uint16:
        return samples.astype(np.uint16, copy=False)
    values = samples.astype(np.float64)
    if not np.isfinite(values).all():
        raise ImageError("the picture has samples that are not numbers")
    low, high = float(values.min()), float(values.max())
    if is_within_16_bits(samples):
        low, high = 0.0, float(_FULL)
    share = (values - low) / (high - low) if high > low else np.zeros_like(values)
    out: NDArray[np.uint16] = np.round(share * _FULL).astype(np.uint16)
    return out


def is_within_16_bits(samples: NDArray[np.generic]) -> bool:
    """Check whether samples are integers from 0 to 65535."""
    if samples.dtype.kind not in "iu":
        return False
    values = samples.astype(np.int64)
    return bool(values.min() >= 0 and values.max() <= _FULL)
