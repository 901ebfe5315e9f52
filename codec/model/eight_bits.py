"""Store large weight matrices as int8, with one float16 step, or one shift, per row (SPEC section 8)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = "#step"
"""Suffix of the names of tensors that hold steps."""
SHIFT = "#shift"
"""Suffix of the names of tensors that hold shifts."""
MAX_SHIFT = 8
"""Largest shift: int8 shifted by more would not fit int16."""
FROM = 4096
"""Smallest number of elements of a matrix that is stored as int8."""
Arrays = Mapping[str, NDArray[Any]]


def rounded(tensors: Arrays) -> dict[str, NDArray[Any]]:
    """Round each large floating-point matrix to int8, and add its steps.

    Args:
        tensors: tensors by name, of any shape and dtype; rows are along the first axis.

    Returns:
        The tensors by name; the steps of a matrix are (rows,) float16, under its name with the suffix ``STEP``.
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
    """Restore the tensors that were given to :func:`rounded`, up to the rounding.

    Floating-point tensors and int8 tensors with steps become float32; other tensors are unchanged.

    Raises:
        KeyError: the tensor to which steps belong is missing.
        ValueError: the number of steps differs from the number of rows of the tensor.
    """
    found = {k: v.astype(np.float32) if _is_floating(v) else v for k, v in tensors.items() if not k.endswith(STEP)}
    for name in (k.removesuffix(STEP) for k in tensors if k.endswith(STEP)):
        step, matrix = tensors[name + STEP], found[name]
        if len(step) != len(matrix):
            raise ValueError(f"{name} has {len(matrix)} rows and {len(step)} steps")
        found[name] = matrix.astype(np.float32) * _beside(step, matrix)
    return found


def shortened(matrix: NDArray[np.int16]) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Round a matrix of integers to int8 and shifts, so that it stays one of integers.

    Args:
        matrix: (rows, columns) int16.

    Returns:
        The matrix, int8, −127 … 127, and the left shift of each row, (rows,) uint8, 0 … ``MAX_SHIFT``.
    """
    largest = np.abs(matrix.astype(np.int32)).max(1)
    shift = np.clip(np.ceil(np.log2(np.maximum(largest, 1) / 127)), 0, MAX_SHIFT).astype(np.uint8)
    rows = np.clip(np.rint(matrix / 2.0 ** shift[:, None]), -127, 127).astype(np.int8)
    return rows, shift


def lengthened(matrix: NDArray[Any], shift: NDArray[Any]) -> NDArray[np.int16]:
    """Restore a matrix that was given to :func:`shortened`, up to the rounding.

    Args:
        matrix: (rows, columns) int8.
        shift: left shift of each row, (rows,) uint8, 0 … ``MAX_SHIFT``.

    Raises:
        ValueError: the arrays do not fit each other.
    """
    if matrix.dtype != np.int8 or shift.dtype != np.uint8 or matrix.ndim != 2 or shift.shape != matrix.shape[:1]:
        raise ValueError("shifts do not fit their matrix")
    if shift.size and int(shift.max()) > MAX_SHIFT:
        raise ValueError("a shift is out of range")
    rows: NDArray[np.int16] = matrix.astype(np.int16) << shift[:, None].astype(np.int16)
    return rows


def _is_floating(value: NDArray[Any]) -> bool:
    return np.issubdtype(value.dtype, np.floating)


def _beside(step: NDArray[Any], value: NDArray[Any]) -> NDArray[np.float32]:
    return step.astype(np.float32).reshape(-1, *[1] * (value.ndim - 1))
