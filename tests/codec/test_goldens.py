"""Frozen files of a frozen model, as ``tests/tools/make_tiny.py`` wrote them."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import read_container
from aez.bitstream.layer import IndexedStream, read_layer
from aez.bitstream.runs import NOT_CODED
from aez.codec.codec import Codec

PICTURE = Path(__file__).parents[1] / "data" / "high.png"


@pytest.fixture(scope="module")
def codec(each_codec: Codec) -> Codec:
    return each_codec


def close(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    """The format's tolerance between two decoders."""
    difference = np.abs(a.astype(int) - b)
    return a.shape == b.shape and float((difference <= 1).mean()) >= 0.999


@pytest.mark.parametrize("name", ["low", "high", "dot", "tiled", "rare", "deep"])
def test_symbols_are_exact(codec: Codec, goldens: dict[str, bytes], digests: dict[str, str], name: str) -> None:
    assert codec.digest(goldens[name]) == digests[name]


def test_layers_are_exact(
    codec: Codec, layered_goldens: dict[str, bytes], digests: dict[str, str], photo: NDArray[np.uint8]
) -> None:
    for name, data in layered_goldens.items():
        assert codec.digest(data) == digests[name]
    down, across = np.mgrid[:83, :121]
    disc = (down - 40) ** 2 + (across - 60) ** 2 < 900
    decoded, picture = codec.decode_array(layered_goldens["layered"]), photo[:83, 180:301]
    assert np.array_equal(decoded[disc], picture[disc]) and (decoded[~disc] != picture[~disc]).mean() > 0.5
    exact = codec.decode_array(layered_goldens["exact"])
    assert np.array_equal(exact, np.dstack([photo[:31, 180:221], photo[:31, 80:121, 0]]))
    assert np.array_equal(codec.decode_array(layered_goldens["indexed"]), picture // 64 * 64)
    container = read_container(layered_goldens["indexed"])
    assert isinstance(read_layer(container.layer or b"", container.header).tiles[0].stream, IndexedStream)


def test_goldens_reach_every_kind_of_symbol(codec: Codec, goldens: dict[str, bytes]) -> None:
    weights = codec.weights
    _, low = codec.unpack(goldens["low"])
    _, high = codec.unpack(goldens["high"])
    _, rare = codec.unpack(goldens["rare"])
    assert (low.indices == NOT_CODED).any()
    coded = high.indices != NOT_CODED
    assert (np.abs(high.r[coded]) > weights.residual_tables.bounds[high.indices[coded]]).any()
    assert ((rare.indices < weights.first_coded) & (rare.r != 0)).any()
    assert len(np.unique(high.indices)) > 20


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.torch)])
def test_pixels_agree_within_the_tolerance(
    codec: Codec, goldens: dict[str, bytes], digests: dict[str, str], precision: str
) -> None:
    other = Codec(codec.weights, "cpu", precision)
    assert other.digest(goldens["high"]) == digests["high"]
    assert close(other.decode_array(goldens["high"]), np.asarray(Image.open(PICTURE)))


def test_deep_pixels_agree_within_the_tolerance(codec: Codec, goldens: dict[str, bytes]) -> None:
    """Levels agree as those of 8 bits do, and are finer."""
    decoded = codec.decode_array(goldens["deep"])
    assert (decoded.dtype, decoded.shape) == (np.uint16, (75, 101, 3))
    other = Codec(codec.weights, "cpu", "float32", "light").decode_array(goldens["deep"])
    difference = np.abs(decoded.astype(int) - other)
    assert (difference <= 257).mean() >= 0.999
    assert np.percentile(difference, 99) <= 2  # on one processor, float32 rounds much less
    assert len(np.unique(decoded)) > 5000


def test_packing_gives_the_file_back(codec: Codec, goldens: dict[str, bytes]) -> None:
    for data in goldens.values():
        assert codec.pack(*codec.unpack(data)) == data
