import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from aez.bitstream import FormatError
from aez.bitstream.entropy import MAX_EXTRA, coded_tables, decode_residual, encode_residual, symbols_digest
from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import TableSet
from aez.bitstream.varint import write_varint

SHAPES = npst.array_shapes(min_dims=3, max_dims=3, max_side=6)


def table_set() -> TableSet:
    """Build eight tables of growing width, from nearly certain to flat."""
    rng = np.random.default_rng(1)
    tables = []
    for i in range(8):
        bound = 1 + 3 * i
        counts = np.maximum(1, rng.dirichlet(np.full(2 * bound + 2, 0.1 + i)) * 2**23).astype(np.int64)
        counts[bound] += 2**24 - counts.sum()
        tables.append(counts)
    return TableSet(np.concatenate(tables), np.array([len(t) for t in tables]), escape=True)


RESIDUAL = table_set()


Case = tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.uint8], int]
"""Return r, the table of each element, the same with NOT_CODED, and the lowest table that is usually coded."""


@st.composite
def residuals(draw: st.DrawFn) -> Case:
    shape = draw(SHAPES)
    first = draw(st.integers(0, 8))
    lowest = draw(st.integers(max(0, first - MAX_EXTRA), first))
    indices = draw(npst.arrays(np.uint8, shape, elements=st.integers(0, 7)))
    values = st.integers(-25, 25) | st.integers(-(2**15 - 1), 2**15 - 1)
    r = draw(npst.arrays(np.int16, shape, elements=values))
    coded = coded_tables(indices, lowest)
    r[coded == NOT_CODED] = 0
    return r, indices, coded, first


@given(residuals())
def test_residual_round_trip(case: Case) -> None:
    r, indices, coded, first = case
    data = encode_residual(r, coded, RESIDUAL, first)
    back, tables = decode_residual(data, indices, RESIDUAL, first)
    assert back.dtype == np.int16
    assert np.array_equal(back, r)
    assert np.array_equal(tables, coded)
    if (coded == NOT_CODED).all():
        assert data == b""


@given(residuals())
def test_residual_streams_of_another_length_are_refused(case: Case) -> None:
    r, indices, coded, first = case
    data = encode_residual(r, coded, RESIDUAL, first)
    for more in (1, 2, 3, 8):
        if data or more > 1:
            with pytest.raises(FormatError):
                decode_residual(data + b"\0" * more, indices, RESIDUAL, first)
    for cut in (1, 2, 3):
        if len(data) > cut:
            with pytest.raises(FormatError):
                decode_residual(data[:-cut], indices, RESIDUAL, first)


def test_a_tile_without_coded_symbols_is_empty() -> None:
    indices = np.zeros((1, 2, 2), np.uint8)
    assert encode_residual(np.zeros((1, 2, 2), np.int16), coded_tables(indices, 1), RESIDUAL, 1) == b""
    r, tables = decode_residual(b"", indices, RESIDUAL, 1)
    assert not r.any()
    assert (tables == NOT_CODED).all()
    for data in (b"\0", b"\1\0"):
        with pytest.raises(FormatError):
            decode_residual(data, indices, RESIDUAL, 1)
    for data in (b"", b"\0"):
        with pytest.raises(FormatError):
            decode_residual(data, indices, RESIDUAL, 0)


def check_residual(data: bytes, indices: NDArray[np.uint8], first: int) -> None:
    """Check that decoding raises FormatError or returns symbols in range."""
    try:
        r, tables = decode_residual(data, indices, RESIDUAL, first)
    except FormatError:
        return
    assert r.shape == tables.shape == indices.shape
    assert (r[tables == NOT_CODED] == 0).all()
    assert np.abs(r.astype(int)).max() <= 2**15 - 1
    assert encode_residual(r, tables, RESIDUAL, first) == data


@given(npst.arrays(np.uint8, SHAPES, elements=st.integers(0, 7)), st.integers(0, 8), st.data())
def test_residual_garbage_raises_nothing_else(indices: NDArray[np.uint8], first: int, data: st.DataObject) -> None:
    stream = data.draw(st.binary(max_size=80))
    words = stream[: len(stream) // 4 * 4]
    escapes = data.draw(st.binary(max_size=20))
    extra = data.draw(st.integers(0, MAX_EXTRA))
    for garbage in (stream, bytes([extra]) + words, write_varint(len(escapes) << 3 | extra) + escapes + words):
        check_residual(garbage, indices, first)


@given(residuals(), st.data())
def test_flipped_residual_streams_raise_nothing_else(case: Case, data: st.DataObject) -> None:
    r, indices, coded, first = case
    stream = bytearray(encode_residual(r, coded, RESIDUAL, first))
    for bit in data.draw(st.lists(st.integers(0, max(0, 8 * len(stream) - 1)), max_size=5)):
        if stream:
            stream[bit // 8] ^= 1 << bit % 8
    check_residual(bytes(stream), indices, first)


@pytest.mark.parametrize("words", [2, 3, 50])
def test_streams_that_no_encoder_writes_are_refused(words: int) -> None:
    ones = b"\xff" * 4 * words
    with pytest.raises(FormatError):
        decode_residual(b"\0" + ones, np.full((2, 3, 3), 5, np.uint8), RESIDUAL, 0)


def test_missing_words_read_as_zero_and_raise_nothing_else() -> None:
    check_residual(b"", np.full((2, 3, 3), 5, np.uint8), 0)
    check_residual(b"\0", np.full((2, 3, 3), 5, np.uint8), 0)
    check_residual(b"\0" * 401, np.full((2, 3, 3), 5, np.uint8), 0)


def test_escaped_values_beyond_16_bits_are_refused() -> None:
    r, indices = np.full((1, 1, 1), 2**15 - 1, np.int16), np.zeros((1, 1, 1), np.uint8)
    data = encode_residual(r, indices, RESIDUAL, 0)
    assert RESIDUAL.bounds[0] == 1
    # The escape's magnitude is 2**15 - 2: one more bit makes it 2**15 - 1, and the value 2**15.
    magnitude = f"{'0' * 14}{2**15 - 2:015b}0".ljust(32, "0")
    assert data[1:5] == int(magnitude, 2).to_bytes(4, "big")
    larger = f"{'0' * 14}{2**15 - 1:015b}0".ljust(32, "0")
    with pytest.raises(FormatError, match="range"):
        decode_residual(data[:1] + int(larger, 2).to_bytes(4, "big") + data[5:], indices, RESIDUAL, 0)


def test_residuals_that_cannot_be_coded_are_refused() -> None:
    indices = np.array([[[0, 3]]], np.uint8)
    with pytest.raises(ValueError, match="range"):
        encode_residual(np.array([[[1, 0]]], np.int16), coded_tables(indices, 1), RESIDUAL, 1)
    with pytest.raises(ValueError, match="at most 7"):
        encode_residual(np.array([[[1, 0]]], np.int16), indices, RESIDUAL, 8)


def test_tiles_that_name_a_table_they_do_not_code_are_refused() -> None:
    indices = np.array([[[2, 5]]], np.uint8)
    data = encode_residual(np.array([[[1, 0]]], np.int16), indices, RESIDUAL, 5)
    assert data[0] == 3
    for first in (6, 2):  # table 3, which no element has; table −1
        with pytest.raises(FormatError, match="table"):
            decode_residual(data, indices, RESIDUAL, first)
    with pytest.raises(ValueError, match="range"):
        encode_residual(np.array([[[0, -(2**15)]]], np.int16), indices, RESIDUAL, 0)


def test_digest_is_as_specified() -> None:
    z, r = np.array([[[1, -2]]], np.int16), np.array([[[3], [4]], [[-5], [6]]], np.int16)
    raw = b"".join(value.to_bytes(4, "little", signed=True) for value in (1, -2, 3, 4, -5, 6))
    assert symbols_digest(z, r) == hashlib.sha256(raw).hexdigest()
    assert symbols_digest(z, np.asfortranarray(r)) == hashlib.sha256(raw).hexdigest()
