import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aez.bitstream import ModelError
from aez.codec.codec import Codec
from aez.codec.family.members import read_family
from aez.codec.model import registry, weightfile
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.registry import find_fingerprint, find_model, packaged_models, read_entry
from aez.codec.model.weightfile import Weights, parse_weights, read_weights, serialise_weights


def test_round_trip(tiny: Weights, tiny_path: Path) -> None:
    data = tiny_path.read_bytes()
    back = parse_weights(serialise_weights(tiny))
    assert (back.name, back.config, back.card) == (tiny.name, tiny.config, tiny.card)
    assert back.fingerprint == tiny.fingerprint
    assert set(back.tensors) == set(tiny.tensors)
    assert len(data) < 230_000


def edit_header(data: bytes, **metadata: str | None) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"].update(metadata)
    header["__metadata__"] = {k: v for k, v in header["__metadata__"].items() if v is not None}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 500, 5000, 100_000, -1])
def test_truncated_files_are_refused(tiny_path: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(tiny_path.read_bytes()[:length])
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        read_weights(path)


def test_damaged_decoder_tensors_are_noticed(tiny: Weights) -> None:
    data = serialise_weights(tiny)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    for name in ("synthesis.linear.weight", "exact.conv2", "tables.residual_counts", "tables.first_coded"):
        damaged = bytearray(data)
        damaged[8 + length + header[name]["data_offsets"][0]] ^= 1
        with pytest.raises(ModelError, match="damaged"):
            parse_weights(bytes(damaged))


@pytest.mark.parametrize(
    "metadata",
    [
        {"format": "another"},
        {"format": None},
        {"config": None},
        {"config": "{"},
        {"config": "[]"},
        {"config": '{"latent": "20"}'},
        {"config": '{"latent": 21}'},
        {"config": '{"latent": 100000}'},
        {"config": '{"points": 1}'},
        {"config": '{"unknown": 1}'},
        {"fingerprint": "000000000000"},
        {"fingerprint": None},
        {"name": None},
        {"card": None},
        {"card": "7"},
        {"card": "nonsense"},
    ],
)
def test_wrong_metadata_are_refused(tiny: Weights, tmp_path: Path, metadata: dict[str, str | None]) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(edit_header(serialise_weights(tiny), **metadata))
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        read_weights(path)


def damaged_tensors(tensor: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield a tensor in other shapes and types, and with other values."""
    flat = tensor.ravel()
    yield from (flat[:1].reshape(()), flat[:0], flat, tensor[None], flat[:-1])
    yield from (tensor.astype(kind) for kind in (np.float32, np.float64, np.int8, np.uint8, np.int64, np.bool_))
    largest = 60000 if tensor.dtype.kind == "f" else np.iinfo(tensor.dtype).max
    yield from (np.full_like(tensor, value) for value in (0, largest))
    if tensor.dtype.kind == "f":
        yield from (np.full_like(tensor, value) for value in (np.nan, np.inf, -np.inf))
    else:
        yield np.full_like(tensor, np.iinfo(tensor.dtype).min)


@pytest.mark.slow
def test_damaged_tensors_of_the_right_fingerprint_raise_nothing_else(tiny: Weights) -> None:
    refused = 0
    for name, tensor in tiny.tensors.items():
        for damaged in damaged_tensors(tensor):
            data = serialise_weights(replace(tiny, tensors={**tiny.tensors, name: damaged}))
            try:
                parse_weights(data)
            except ModelError:
                refused += 1
    assert refused > 200


@pytest.mark.slow
def test_tensors_that_are_not_finite_are_refused_when_read(tiny: Weights) -> None:
    for name, tensor in tiny.tensors.items():
        if tensor.dtype.kind == "f":
            for value in (np.nan, np.inf, -np.inf):
                damaged = tensor.copy()
                damaged.reshape(-1)[-1] = value
                data = serialise_weights(replace(tiny, tensors={**tiny.tensors, name: damaged}))
                with pytest.raises(ModelError, match="not finite"):
                    parse_weights(data)


@pytest.mark.parametrize(
    "metadata", [{"config": '{"points": 1e999}'}, {"config": "[]"}, {"card": "7"}, {"format": "aez-family-1"}]
)
def test_wrong_metadata_are_refused_without_the_tensors(
    tiny: Weights, tmp_path: Path, metadata: dict[str, str | None]
) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(edit_header(serialise_weights(tiny), sizes="[]", **metadata))
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        read_entry(path)


@pytest.mark.parametrize("length", [2**20 + 1, 2**40, 2**63, 2**64 - 1])
def test_huge_headers_are_refused(tiny_path: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + tiny_path.read_bytes()[8:])
    for read in (read_weights, read_entry):
        with pytest.raises(ModelError):
            read(path)


def test_huge_files_are_refused(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weightfile, "MAX_WEIGHTS_BYTES", tiny_path.stat().st_size - 1)
    with pytest.raises(ModelError, match="large"):
        read_weights(tiny_path)


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_else(garbage: bytes) -> None:
    head = len(garbage).to_bytes(8, "little")
    for data in (garbage, head + garbage, head + b'{"__metadata__": ' + garbage):
        with pytest.raises(ModelError):
            parse_weights(data)


@pytest.mark.parametrize(
    "text", ["[]", "7", "null", '"text"', '{"__metadata__": 7}', '{"__metadata__": []}', "[" * 9999]
)
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text.encode())
    for read in (read_weights, read_entry):
        with pytest.raises(ModelError):
            read(path)


def code(weights: Weights, runtime: str) -> None:
    """Use all of a model's networks."""
    codec = Codec(weights, "cpu", "float32", runtime)
    codec.decode_array(codec.encode(np.zeros((32, 32, 3), np.uint8), effort=0))


TENSORS: list[tuple[str, Any]] = [
    ("tables.first_coded", lambda t: t * 0 + 65),
    ("tables.first_coded", lambda t: t * 0 - 1),
    ("tables.first_coded", lambda t: np.stack([t, t])),
    ("tables.hyper_index", lambda t: t[:, :-1]),
    ("tables.hyper_index", lambda t: t.astype(np.int32)),
    ("tables.hyper_index", lambda t: t * 0 + 200),
    ("tables.residual_counts", lambda t: t + 1),
    ("tables.residual_sizes", lambda t: t[:-1]),
    ("tables.hyper_sizes", lambda t: t * 0),
    ("exact.shifts", lambda t: t[:3]),
    ("exact.conv1", lambda t: t[:, :-1]),
    ("exact.quality_bias", lambda t: t[:-1]),
    ("synthesis.linear.weight", lambda t: t[:-1]),
    ("encoder_gain.rows", lambda t: t[:, :-1]),
]


@pytest.mark.parametrize(("name", "change"), TENSORS)
def test_wrong_tensors_are_refused(tiny: Weights, name: str, change: Any, runtime: str) -> None:
    wrong = replace(tiny, tensors=tiny.tensors | {name: change(tiny.tensors[name])})
    with pytest.raises(ModelError):
        code(parse_weights(serialise_weights(wrong)), runtime)


@pytest.mark.parametrize(
    "name", ["exact.conv1", "exact.shifts", "tables.first_coded", "tables.hyper_counts", "context.mean.weight"]
)
def test_missing_tensors_are_refused(tiny: Weights, name: str, runtime: str) -> None:
    tensors = {k: v for k, v in tiny.tensors.items() if k != name}
    with pytest.raises(ModelError):
        code(parse_weights(serialise_weights(replace(tiny, tensors=tensors))), runtime)


def test_fingerprint_covers_what_decoding_reads(tiny: Weights) -> None:
    changed: set[str] = set()
    kept: set[str] = set()
    for name, tensor in tiny.tensors.items():
        other = tensor.copy()
        other.reshape(-1)[0] += 1
        weights = replace(tiny, tensors=tiny.tensors | {name: other})
        (changed if weights.fingerprint != tiny.fingerprint else kept).add(name.partition(".")[0])
    assert changed == {"synthesis", "context", "encoder_gain", "decoder_gain", "exact", "tables"}
    assert kept == {"analysis", "graphs", "hyper_analysis", "training"}
    assert replace(tiny, name="other", card={}).fingerprint == tiny.fingerprint


def test_table_of_a_position_is_the_nearest_points(tiny: Weights) -> None:
    rows = tiny.tensors["tables.hyper_index"]
    for position, row in ((0, 0), (127, 0), (128, 1), (383, 1), (384, 2), (640, 3), (768, 3)):
        assert np.array_equal(OperatingPoint(tiny, position).hyper_indices, rows[row])


@pytest.mark.torch
def test_training_model_is_what_was_exported(tiny: Weights) -> None:
    import torch

    from aez.codec.networks.loading import coding_model, training_model

    model = training_model(tiny)
    state = model.state_dict()
    for name, tensor in coding_model(tiny).state_dict().items():
        assert torch.equal(state[name], tensor)
    k1 = int(tiny.tensors["training.scale_fraction_bits"][0])
    assert np.array_equal(state["scale.conv1.weight"].flatten(1) * 2**k1, tiny.exact.conv1)


def test_packaged_models() -> None:
    entries = packaged_models()
    assert set(registry.ALIASES.values()) <= {entry.name for entry in entries}
    assert not set(registry.ALIASES) & {entry.name for entry in entries}
    for entry in entries:
        assert find_model(entry.name) == entry
        assert find_fingerprint(bytes.fromhex(entry.fingerprint)) == entry
        if entry.path.parent == registry.FAMILY_FOLDER:
            continue
        weights = read_weights(entry.path)
        assert (weights.name, weights.fingerprint.hex()) == (entry.name, entry.fingerprint)
        assert weights.config.points == entry.points


@pytest.mark.torch
def test_packaged_members_of_the_family() -> None:
    for entry in packaged_models():
        if entry.path.parent == registry.FAMILY_FOLDER:
            assert read_family(entry.path).fingerprint.hex() == entry.fingerprint


def test_models_are_found_by_path(tiny: Weights, tiny_path: Path) -> None:
    entry = find_model(str(tiny_path))
    assert (entry.name, entry.fingerprint, entry.points) == ("tiny", tiny.fingerprint.hex(), 4)
    assert read_entry(tiny_path) == entry


def test_unknown_models_are_refused(tmp_path: Path, tiny: Weights) -> None:
    with pytest.raises(ModelError, match="neither"):
        find_model("unheard of")
    with pytest.raises(ModelError, match="neither"):
        find_model(str(tmp_path))
    with pytest.raises(ModelError, match=tiny.fingerprint.hex()):
        find_fingerprint(tiny.fingerprint)
    with pytest.raises(ModelError, match="cannot be read"):
        read_entry(tmp_path / "missing")
