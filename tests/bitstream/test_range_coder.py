"""An independent coder, written from SPEC section 7 alone, decodes the streams of :mod:`aez.bitstream.entropy`."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import read_container
from aez.bitstream.entropy import coded_tables, encode_residual
from aez.bitstream.hyper import HyperCoder
from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import TableSet
from aez.bitstream.varint import read_varint
from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights
from tests.bitstream.range_decoder import RangeDecoder


def decode(data: bytes, indices: NDArray[np.uint8], tables: TableSet, first: int) -> tuple[list[int], list[int]]:
    """Return the symbols and their places in coding order."""
    cumulative = [[0, *itertools.accumulate(int(c) for c in counts)] for counts in tables.counts]
    flat = [int(i) for i in indices.ravel()]
    places = sorted((p for p in range(len(flat)) if flat[p] >= first), key=lambda p: flat[p])
    decoder = RangeDecoder(data)
    symbols = [decoder.symbol(cumulative[flat[p]]) for p in places]
    assert not decoder.words
    return symbols, places


def decode_tile(data: bytes, indices: NDArray[np.uint8], tables: TableSet, first: int) -> NDArray[np.int64]:
    head, start = read_varint(data, 0)
    length, first = head >> 3, first - (head & 7)
    bits = iter("".join(f"{byte:08b}" for byte in data[start : start + length]))
    symbols, places = decode(data[start + length :], indices, tables, first)
    flat = [int(i) for i in indices.ravel()]
    r = np.zeros(len(flat), dtype=np.int64)
    escaped = []
    for symbol, place in zip(symbols, places, strict=True):
        bound = int(tables.bounds[flat[place]])
        r[place] = symbol - bound
        if symbol == 2 * bound + 1:
            escaped.append(place)
    for place in sorted(escaped):
        zeros = len(list(itertools.takewhile(lambda bit: bit == "0", bits)))
        magnitude = int("1" + "".join(itertools.islice(bits, zeros)), 2) + int(tables.bounds[flat[place]])
        r[place] = -magnitude if next(bits) == "1" else magnitude
    return r.reshape(indices.shape)


@pytest.fixture(params=["tiny", "packaged"])
def weights(request: pytest.FixtureRequest) -> Weights:
    weights: Weights = request.getfixturevalue(request.param)
    return weights


def test_residual_streams_of_real_tables(weights: Weights) -> None:
    rng = np.random.default_rng(3)
    tables = weights.residual_tables
    indices = rng.integers(0, len(tables), (6, 20, 30)).astype(np.uint8)
    spread = rng.choice([0.3, 1.0, 1.5], indices.shape) * tables.bounds[indices]
    r = np.clip(np.round(rng.normal(0, spread)), -(2**15 - 1), 2**15 - 1).astype(np.int16)
    for extra in (0, 3, weights.first_coded):
        coded = coded_tables(indices, weights.first_coded - extra)
        some = np.where(coded == NOT_CODED, 0, r).astype(np.int16)
        assert (np.abs(some) > tables.bounds[indices]).sum() > 50
        data = encode_residual(some, coded, tables, weights.first_coded)
        assert np.array_equal(decode_tile(data, indices, tables, weights.first_coded), some)


def test_likely_and_unlikely_symbols_of_real_tables(weights: Weights) -> None:
    """Long runs of the most likely symbol, then of the least likely ones, cause carries and renormalisation."""
    tables = weights.residual_tables
    indices = np.full((1, 40, 100), weights.first_coded, np.uint8)
    r = np.zeros(indices.shape, np.int16)
    r[0, 30:, ::2] = tables.bounds[weights.first_coded]
    r[0, 30:, 1::2] = -tables.bounds[weights.first_coded]
    data = encode_residual(r, indices, tables, weights.first_coded)
    assert np.array_equal(decode_tile(data, indices, tables, weights.first_coded), r)


def test_hyper_streams_of_real_tables(weights: Weights) -> None:
    rng = np.random.default_rng(4)
    tables = weights.hyper_tables
    indices = rng.permutation(len(tables)).astype(np.uint8)
    bound = tables.bounds[indices][:, None, None]
    z = rng.integers(-bound, bound + 1, (len(indices), 5, 7)).astype(np.int16)
    data = HyperCoder(tables, indices, np.zeros(len(indices), np.int16)).encode(z)
    every = np.broadcast_to(indices[:, None, None], z.shape)
    symbols, places = decode(data, every, tables, 0)
    back = np.empty(z.size, dtype=np.int64)
    back[places] = np.array(symbols) - tables.bounds[every.ravel()[places]]
    assert np.array_equal(back.reshape(z.shape), z)


def test_a_golden_file(codec: Codec, goldens: dict[str, bytes]) -> None:
    container = read_container(goldens["tiled"])
    header, symbols = codec.unpack(goldens["tiled"])
    tables, first = codec.weights.residual_tables, codec.weights.first_coded
    assert len(container.tiles) == 2
    for (rows, cols), tile in zip(header.tiles(), container.tiles, strict=True):
        here = symbols.indices[:, rows, cols]
        # Elements that are not coded may have any table below the coded ones.
        back = decode_tile(tile, np.where(here == NOT_CODED, 0, here), tables, first)
        assert np.array_equal(back, symbols.r[:, rows, cols])
