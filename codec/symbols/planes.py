"""Arrays of channels in the order in which networks work on them."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def empty_planes(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array (channels, rows, columns) whose channels lie next to each other in memory, not filled."""
    channels, rows, cols = shape
    return np.empty((rows, cols, channels), dtype).transpose(2, 0, 1)


def zero_planes(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return the same, filled with zeros."""
    out = empty_planes(shape, dtype)
    out[:] = 0
    return out


def interleaved(planes: NDArray[Any]) -> NDArray[Any]:
    """Return an array (channels, rows, columns) with its channels next to each other in memory."""
    return np.ascontiguousarray(planes.transpose(1, 2, 0)).transpose(2, 0, 1)
