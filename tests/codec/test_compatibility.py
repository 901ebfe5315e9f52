"""Files and names of version 1, as ``tests/tools/make_v1.py`` wrote them, stay: docs/pages/compatibility.md."""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import read_container
from aez.bitstream.alpha import read_alpha
from aez.bitstream.entropy import tile_parts
from aez.bitstream.layer import IndexedStream, read_layer
from aez.codec import api
from aez.codec.base import PictureCodec
from aez.codec.model.registry import ALIASES, find_model, packaged_models
from tests.tools.make_v1 import interface

FOLDER = Path(__file__).parents[1] / "data" / "v1"
MANIFEST: dict[str, dict[str, Any]] = json.loads((FOLDER / "manifest.json").read_text())


@cache
def model_of(name: str, runtime: str) -> PictureCodec:
    return api.load(name, "cpu", "float32", runtime)


@cache
def references() -> dict[str, NDArray[Any]]:
    with np.load(FOLDER / "pixels.npz") as stored:
        return dict(stored)


def data_of(name: str) -> bytes:
    return (FOLDER / f"{name}.aez").read_bytes()


def features(data: bytes) -> Iterator[str]:
    """Name what a file has of the format (SPEC sections 3, 4 and 7)."""
    container = read_container(data)
    header = container.header
    yield from (f"chunk {kind}" for kind, _ in container.chunks)
    yield from (f"layout {header.layout}", f"colour {header.colour}", f"depth {header.depth}")
    yield f"turned {header.orientation > 1}"
    yield f"tiles {len(container.tiles) > 1}"
    if container.filter is not None:
        yield f"filter {'grey' if header.grey else 'colour'} {bool(container.filter)}"
    if container.alpha is not None:
        if container.alpha[0] == 0:
            yield "alpha picture"
        else:
            alpha = read_alpha(container.alpha, header.height, header.width)
            yield f"alpha tiles {len(alpha) > 1}"
            yield from (f"alpha stream {tile.stream is not None}" for tile in alpha)
    if container.layer is not None:
        layer = read_layer(container.layer, header)
        kind = f"layer {'whole' if layer.whole else 'over'}{' grey' if header.grey else ''}"
        for tile in layer.tiles:
            if tile.stream is not None:
                yield f"{kind} {'numbers' if isinstance(tile.stream, IndexedStream) else 'stream'}"
            else:
                yield f"{kind} {'nothing' if tile.colour is None else 'colour'}"
        yield f"{kind} alpha {header.alpha}"
    for tile in container.tiles:
        if tile:
            fewer, escapes, words = tile_parts(tile)
            yield from (f"more tables {bool(fewer)}", f"escapes {bool(escapes)}", f"words {bool(words)}")


def test_names_that_programs_use_are_still_there() -> None:
    known, today = json.loads((FOLDER / "interface.json").read_text()), interface()
    options = known.pop("options")
    assert not {name: left for name in known if (left := set(known[name]) - set(today[name]))}
    assert not {name: left for name in options if (left := set(options[name]) - set(today["options"].get(name, ())))}


def test_the_files_are_those_of_the_release() -> None:
    stored = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.aez")}
    assert stored == {name: facts["sha256"] for name, facts in MANIFEST.items()}
    assert set(references()) == set(MANIFEST)


def test_every_feature_has_a_file() -> None:
    found = {feature for name in MANIFEST for feature in features(data_of(name))}
    assert found >= {
        *(f"chunk {kind}" for kind in "HiexpALfZTE"),
        *("layout 0", "layout 1", "colour RGB", "colour grey", "colour grey RGB"),
        *("depth 8", "depth 10", "depth 12", "depth 16", "turned True", "tiles True", "tiles False"),
        *(f"filter {colour} {own}" for colour in ("colour", "grey") for own in (True, False)),
        *("alpha picture", "alpha tiles True", "alpha tiles False", "alpha stream True", "alpha stream False"),
        *(f"layer over {kind}" for kind in ("nothing", "colour", "stream", "numbers", "alpha True")),
        *("layer over grey numbers", "layer whole stream", "layer whole numbers", "layer whole colour"),
        *("layer whole alpha True", "layer whole alpha False", "layer whole grey stream"),
        *("more tables True", "escapes True", "words True"),
    }


def test_every_model_has_files() -> None:
    compressing = {entry.name for entry in packaged_models() if entry.points}
    assert compressing == {facts["model"] for facts in MANIFEST.values()}
    assert set(ALIASES.values()) <= compressing
    for alias, name in ALIASES.items():
        assert find_model(alias) == find_model(name)


@pytest.mark.parametrize("name", MANIFEST)
def test_symbols_are_exact(name: str, runtime: str) -> None:
    facts, data = MANIFEST[name], data_of(name)
    assert model_of(facts["model"], runtime).digest(data) == facts["digest"]


@pytest.mark.parametrize("name", MANIFEST)
def test_pixels_agree(name: str, runtime: str) -> None:
    """Within the tolerance between two decoders (SPEC section 9), those of whole layers and their opacity exactly."""
    facts, expected = MANIFEST[name], references()[name]
    decoded = model_of(facts["model"], runtime).decode_array(data_of(name))
    assert (decoded.dtype, decoded.shape) == (expected.dtype, expected.shape)
    if facts["exact"]:
        assert np.array_equal(decoded, expected)
        return
    largest = 2 ** facts["depth"] - 1
    difference = np.abs(decoded.astype(int) - expected.astype(int))
    assert (difference <= largest / 255).mean() >= 0.999
    assert np.mean(np.square(difference / largest)) <= 10**-5.5


@pytest.mark.parametrize("name", MANIFEST)
def test_what_is_beside_the_pixels_is_exact(name: str) -> None:
    facts, data = MANIFEST[name], data_of(name)
    container = read_container(data)
    assert (container.header.depth, container.header.orientation) == (facts["depth"], facts["orientation"])
    kept = {kind.name: hashlib.sha256(payload).hexdigest() for kind, payload in container.metadata.items()}
    assert kept == facts["metadata"]
    info = api.info(data)
    assert info["model"] == facts["model"]
    if container.alpha and container.alpha[0] > 0:
        decoded = model_of(facts["model"], "light").decode_array(data)
        assert np.array_equal(decoded[:, :, -1], references()[name][:, :, -1])
