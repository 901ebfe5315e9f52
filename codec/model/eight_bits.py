"""Large matrices of weights as int8, each row with a float16 step of its own (SPEC section 8)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = "#step"
"""Suffix of the names of steps."""
FROM = 4096
"""Elements from which on a matrix is stored in eight bits."""
Arrays = Mapping[str, NDArray[Any]]


def rounded(tensors: Arrays) -> dict[str, NDArray[Any]]:
    """Round every large matrix of floating point to int8, with its steps beside it.

    Args:
        tensors: any shapes and dtypes; rows are along the first axis.

    Returns:
        The tensors; steps are (rows,) float16.
    """
    found: dict[str, NDArray[Any]] = {}
    for name, value in tensors.items():
        if not (_is_floating(value) and value.ndim > 1 and value.size >= FROM):
            found[name] = value
            continue
        matrix = value.astype(np.float32)
        largest = np.abs(matrix.reshape(len(matrix), -1)).max(1)
        step = np.maximum(largest / np.float32(127), np.float32(1e-7)).astype(np.float16)
        found[name] = np.clip(np.rint(matrix / _beside(step, matrix)), -127, 127).astype(np.int8)
        found[name + STEP] = step
    return found


def restored(tensors: Arrays) -> dict[str, NDArray[Any]]:
    """Return what :func:`rounded` was given, nearly: floating point and int8 with steps as float32, others as they are.

    Raises:
        KeyError: there are steps of a tensor that is not there.
        ValueError: the number of steps is not the number of the tensor's rows.
    """
    found = {k: v.astype(np.float32) if _is_floating(v) else v for k, v in tensors.items() if not k.endswith(STEP)}
    for name in (k.removesuffix(STEP) for k in tensors if k.endswith(STEP)):
        step, matrix = tensors[name + STEP], found[name]
        if len(step) != len(matrix):
            raise ValueError(f"{name} has {len(matrix)} rows and {len(step)} steps")
        found[name] = matrix.astype(np.float32) * _beside(step, matrix)
    return found


def _is_floating(value: NDArray[Any]) -> bool:
    return np.issubdtype(value.dtype, np.floating)


def _beside(step: NDArray[Any], value: NDArray[Any]) -> NDArray[np.float32]:
    return step.astype(np.float32).reshape(-1, *[1] * (value.ndim - 1))
