"""Members are found by name; their weights are read back unchanged, or rejected."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from aez.bitstream import ModelError
from aez.codec import api
from aez.codec.family.code_model import CodeModel
from aez.codec.family.loading import family_weights
from aez.codec.family.members import MODELS, family_class, load_family, read_family
from aez.codec.family.sparse import SparseAutoencoder
from aez.codec.family.weightfile import read_family_weights, serialise_family
from aez.codec.model.eight_bits import FROM
from aez.codec.model.registry import (
    ALIASES,
    DEFAULT_MODEL,
    FAMILY_FOLDER,
    find_fingerprint,
    find_model,
    packaged_models,
)
from aez.codec.training.family import save_family

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", list(MODELS))
def test_packaged_members(name: str) -> None:
    model = load_family(name)
    path = FAMILY_FOLDER / f"{name}.safetensors"
    assert path.stat().st_size <= 6_000_000
    assert (model.NAME, model.training) == (name, False)
    assert all(bool(p.isfinite().all()) for p in model.parameters())
    entry = find_model(name)
    assert entry.family and entry.fingerprint == model.fingerprint.hex()
    assert entry.points == (model.points if isinstance(model, CodeModel) else 0)
    assert isinstance(model, CodeModel) == (MODELS[name].grid is not None)
    assert find_fingerprint(model.fingerprint).name == name
    assert entry.card["summary"] and entry.card["pixels"] > 1e6


def test_the_flagship_stays_first() -> None:
    assert packaged_models()[0].name == ALIASES[DEFAULT_MODEL]
    assert not packaged_models()[0].family


def test_weights_come_back(small: SparseAutoencoder, tmp_path: Path) -> None:
    save_family(tmp_path / "a", small, {"pixels": 5})
    back = read_family(tmp_path / "a")
    assert isinstance(back, SparseAutoencoder) and back.sizes == small.sizes
    for name, value in small.state_dict().items():
        if value.is_floating_point() and value.ndim > 1 and value.numel() >= FROM:
            assert (back.state_dict()[name] - value).abs().max() <= value.abs().max() / 250
        else:
            kept = value.half().float() if value.is_floating_point() else value
            assert torch.equal(back.state_dict()[name], kept)
    assert len(back.fingerprint) == 6


@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "name", "size", "format"])
def test_damaged_weights_are_refused(small: SparseAutoencoder, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.safetensors"
    data = bytearray(serialise_family(family_weights(small, {})))
    path.write_bytes(data)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(data[:-50])
    elif damage == "changed":
        data[-1] ^= 1
        path.write_bytes(data)
    else:
        facts = header["__metadata__"]
        facts |= {
            "name": {"name": "nobody"},
            "size": {"sizes": json.dumps(small.sizes | {"channels": 10**6})},
            "format": {"format": "else"},
        }[damage]
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    with pytest.raises(ModelError, match="safetensors"):
        read_family(path)


def test_weights_that_are_not_finite_are_refused(small: SparseAutoencoder, tmp_path: Path) -> None:
    weights = family_weights(small, {})
    name = next(name for name, tensor in weights.tensors.items() if tensor.dtype == np.float16)
    damaged = np.full_like(weights.tensors[name], np.nan)
    path = tmp_path / "a.safetensors"
    path.write_bytes(serialise_family(replace(weights, tensors={**weights.tensors, name: damaged})))
    with pytest.raises(ModelError, match="not finite"):
        read_family(path)


@pytest.mark.parametrize("name", ["colouriser", "denoiser"])
def test_thousands_of_layers_are_not_built(tmp_path: Path, name: str) -> None:
    weights = read_family_weights(FAMILY_FOLDER / f"{name}.safetensors")
    path = tmp_path / "a.safetensors"
    path.write_bytes(serialise_family(replace(weights, sizes=dict.fromkeys(weights.sizes, 4096))))
    with pytest.raises(ModelError, match="size is out of range"):
        read_family(path)


def test_not_finite_weights_are_not_written(small: SparseAutoencoder, tmp_path: Path) -> None:
    broken = SparseAutoencoder(**small.sizes)
    with torch.no_grad():
        broken.threshold[0] = 1e6
    with pytest.raises(ModelError, match="threshold"):
        save_family(tmp_path / "a", broken, {})
    assert not list(tmp_path.iterdir())


def test_unknown_names() -> None:
    for call in (family_class, load_family):
        with pytest.raises(ModelError, match="nobody"):
            call("nobody")


def test_what_does_not_compress_is_said(crops_of: Callable[[int, int], Callable[[], Tensor]]) -> None:
    with pytest.raises(ModelError, match="collapsed is not a model that compresses"):
        api.load("collapsed")


def test_large_matrices_are_kept_in_eight_bits(small: SparseAutoencoder, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(serialise_family(family_weights(small, {})))
    largest = small.analysis.linear.weight.detach()
    off = float((read_family(tmp_path / "a").get_parameter("analysis.linear.weight") - largest).abs().max())
    assert 0 < off <= float(largest.abs().max()) / 250
    state = small.state_dict().values()
    sixteen = sum(v.numel() * (2 if v.is_floating_point() else v.element_size()) for v in state)
    assert (tmp_path / "a").stat().st_size < 0.75 * sixteen
