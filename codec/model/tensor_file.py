"""Read the tensors of safetensors files.

The safetensors package writes them. Reading is done here, because where memory is short that package prints a panic, or
waits for itself for ever while it prints one.
"""

import json
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTH_BYTES = 8
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}


def read_tensors(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the tensors of a file by name, writable ones.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, RecursionError: the file is damaged, or has a tensor of a type
            that NumPy does not have.
    """
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    if start > len(data):
        raise ValueError("the header does not end within the file")
    entries = json.loads(data[_LENGTH_BYTES:start])
    entries.pop("__metadata__", None)
    buffer, at = memoryview(data)[start:], 0
    tensors = {}
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        kind, shape = np.dtype(_TYPES[entry["dtype"]]), entry["shape"]
        begin, end = entry["data_offsets"]
        if not all(type(side) is int and side >= 0 for side in (*shape, begin, end)):
            raise ValueError("a side or an offset is no whole number")
        if begin != at or end > len(buffer) or end - begin != prod(shape) * kind.itemsize:
            raise ValueError("a tensor does not lie where the one before it ends, or has another size")
        tensors[name] = (
            np.frombuffer(bytearray(buffer[begin:end]), kind).reshape(shape) if end > begin else np.empty(shape, kind)
        )
        at = end
    if at != len(buffer):
        raise ValueError("there are bytes behind the tensors")
    return tensors
