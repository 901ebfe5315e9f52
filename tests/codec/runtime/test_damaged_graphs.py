"""Graphs of a hostile weights file: one ModelError each, whatever is in them."""

import re
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import ModelError
from aez.codec.codec import Codec
from aez.codec.model.graphs import PREFIX, Graph
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights

Tensor = NDArray[np.uint8]
NAME = f"{PREFIX}synthesis"


def stream(data: bytes) -> Tensor:
    return np.frombuffer(zlib.compress(data), np.uint8)


def unpacked(weights: Weights, name: str = NAME) -> Graph:
    return Graph.unpacked(weights.tensors[name])


DAMAGES: dict[str, Callable[[Weights], object]] = {
    "cut": lambda w: w.tensors[NAME][:-9],
    "empty": lambda w: w.tensors[NAME][:0],
    "no zlib": lambda w: np.frombuffer(b"no stream of zlib at all", np.uint8),
    "another dtype": lambda w: w.tensors[NAME].astype(np.int32),
    "no mark": lambda w: stream(b"names without a model"),
    "names that are no text": lambda w: stream(b"\xff\xfe\0" + unpacked(w).onnx),
    "a bomb": lambda w: stream(bytes(2**26)),
    "no ONNX": lambda w: Graph(("a",), b"no model at all").packed(),
    "half a model": lambda w: replace(unpacked(w), onnx=unpacked(w).onnx[:400]).packed(),
    "no model": lambda w: replace(unpacked(w), onnx=b"").packed(),
    "a name too many": lambda w: replace(unpacked(w), weights=("nothing", *unpacked(w).weights)).packed(),
    "a name too few": lambda w: replace(unpacked(w), weights=unpacked(w).weights[1:]).packed(),
    "another network": lambda w: w.tensors[f"{PREFIX}analysis"],
    "missing": lambda w: None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_graphs_are_refused(tiny: Weights, goldens: dict[str, bytes], damage: str) -> None:
    tensor = DAMAGES[damage](tiny)
    tensors = {**tiny.tensors, NAME: tensor} if tensor is not None else tiny.without(NAME).tensors
    damaged = parse_weights(serialise_weights(replace(tiny, tensors=tensors)))
    codec = Codec(damaged, "cpu", runtime="light")
    with pytest.raises(ModelError) as caught:
        codec.decode_array(goldens["low"])
    assert re.search("graph|do not fit", str(caught.value)) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["analysis.linear.weight", "encoder_gain.rows", "context.mean.weight", "synthesis.blocks8.0.expand.bias"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_tensors_that_are_not_finite_are_refused(
    tiny: Weights, photo: NDArray[np.uint8], name: str, value: float
) -> None:
    tensor = tiny.tensors[name].copy()
    tensor.reshape(-1)[3] = value
    with pytest.raises(ModelError, match=f"'{re.escape(name)}' is not finite"):
        Codec(replace(tiny, tensors={**tiny.tensors, name: tensor}), "cpu", runtime="light").encode(photo[:40, :40])


def test_a_graph_of_another_model_is_refused(tiny: Weights, packaged: Weights, goldens: dict[str, bytes]) -> None:
    damaged = replace(tiny, tensors={**tiny.tensors, NAME: packaged.tensors[NAME]})
    with pytest.raises(ModelError, match=r"do(es)? not fit"):
        Codec(damaged, "cpu", runtime="light").decode_array(goldens["low"])


def test_tensors_of_another_shape_are_refused(tiny: Weights) -> None:
    for name in unpacked(tiny, f"{PREFIX}analysis").weights:
        damaged = replace(tiny, tensors={**tiny.tensors, name: tiny.tensors[name][:-1]})
        with pytest.raises(ModelError, match="graph 'analysis' does not fit its tensors"):
            Codec(damaged, "cpu", runtime="light").encode(np.zeros((16, 16, 3), np.uint8), effort=0)


def test_a_bomb_is_not_unpacked(tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more bytes than a graph may have are taken from the stream."""
    sizes: list[int] = []
    original = zlib.decompressobj

    class Counted:
        def __init__(self) -> None:
            self.stream = original()

        def decompress(self, data: bytes, most: int) -> bytes:
            out = self.stream.decompress(data, most)
            sizes.append(len(out))
            return out

        @property
        def eof(self) -> bool:
            return self.stream.eof

    monkeypatch.setattr(zlib, "decompressobj", Counted)
    with pytest.raises(ModelError):
        Graph.unpacked(stream(bytes(2**26)))
    assert sum(sizes) <= 2**22


@pytest.mark.torch
def test_torch_reads_no_graphs(tiny: Weights, goldens: dict[str, bytes], digests: dict[str, str]) -> None:
    damaged = replace(tiny, tensors={**tiny.tensors, NAME: tiny.tensors[NAME][:-9]})
    codec = Codec(damaged, "cpu", runtime="torch")
    codec.decode_array(goldens["low"])
    assert codec.digest(goldens["low"]) == digests["low"]
