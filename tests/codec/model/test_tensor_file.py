"""Tensors are read as the safetensors package reads them, and damaged files are refused."""

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from aez.codec.model.registry import packaged_models
from aez.codec.model.tensor_file import read_tensors

ERRORS = (ValueError, KeyError, TypeError, AttributeError)
TENSORS = {
    "a": np.arange(6, dtype=np.float16).reshape(2, 3),
    "b": np.array(7, np.int64),
    "c": np.zeros((0, 4), np.float32),
    "d": np.array([True, False]),
    "e": np.arange(3, dtype=np.uint16),
}


def same(found: dict[str, np.ndarray[Any, Any]], expected: dict[str, np.ndarray[Any, Any]]) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == tensor.dtype and np.array_equal(found[name], tensor, equal_nan=tensor.dtype.kind == "f")
        for name, tensor in expected.items()
    )


def test_as_the_package_reads_them() -> None:
    data = save(TENSORS, {"x": "y"})
    assert same(read_tensors(data), TENSORS)
    for entry in packaged_models():
        data = entry.path.read_bytes()
        assert same(read_tensors(data), load(data))


def changed(**fields: Any) -> bytes:
    """The file with another entry for ``a``."""
    data = save(TENSORS)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["a"] |= fields
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def test_an_unchanged_entry_is_read() -> None:
    assert same(read_tensors(changed()), TENSORS)


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": "F32"},
        {"dtype": "BF16"},
        {"dtype": 7},
        {"shape": [2, 4]},
        {"shape": [-2, -3]},
        {"shape": [2.0, 3]},
        {"shape": [True, 6]},
        {"shape": 6},
        {"shape": [2**40, 2**40]},
        {"data_offsets": [0, 12]},
        {"data_offsets": [-12, 0]},
        {"data_offsets": [0]},
        {"data_offsets": [10**6, 10**6 + 12]},
        {"data_offsets": "ab"},
    ],
)
def test_damaged_entries(fields: dict[str, Any]) -> None:
    data = changed(**fields)
    if fields == {"data_offsets": json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["a"]["data_offsets"]}:
        data += b"\0"  # these are its offsets already
    with pytest.raises(ERRORS):
        read_tensors(data)


@pytest.mark.parametrize("data", [b"", bytes(7), bytes(8), b"\xff" * 20, b"\2" + bytes(7) + b"[]", b"\2" + bytes(7)])
def test_damaged_files(data: bytes) -> None:
    with pytest.raises(ERRORS):
        read_tensors(data)
    for whole in (save(TENSORS)[:-1], save(TENSORS) + b"\0"):
        with pytest.raises(ERRORS):
            read_tensors(whole)
