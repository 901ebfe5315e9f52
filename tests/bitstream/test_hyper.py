from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from aez.bitstream import FormatError
from aez.bitstream.hyper import PHASES, HyperCoder, HyperContext, steps
from aez.bitstream.runs import RunWriter
from aez.bitstream.tables import TableSet

SHAPES = npst.array_shapes(min_dims=3, max_dims=3, max_side=6)
Case = tuple[NDArray[np.int16], HyperCoder]


def table_set(bounds: list[int]) -> TableSet:
    """Build tables from nearly certain to flat."""
    rng = np.random.default_rng(1)
    tables = []
    for i, bound in enumerate(bounds):
        counts = np.maximum(1, rng.dirichlet(np.full(2 * bound + 1, 0.1 + i % 8)) * 2**23).astype(np.int64)
        counts[bound] += 2**24 - counts.sum()
        tables.append(counts)
    return TableSet(np.concatenate(tables), np.array([len(t) for t in tables]), escape=False)


PLAIN, CONTEXT = table_set([1 + 3 * i for i in range(8)]), table_set([60, 90] * PHASES)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    channels, rows, cols = draw(SHAPES)
    indices = draw(npst.arrays(np.uint8, channels, elements=st.integers(0, 7)))
    means = draw(npst.arrays(np.int16, channels, elements=st.integers(-9, 9)))
    bound = PLAIN.bounds[indices][:, None, None]
    z = np.clip(draw(npst.arrays(np.int16, (channels, rows, cols), elements=st.integers(-30, 30))), -bound, bound)
    context = None
    if draw(st.booleans()):
        weights = draw(npst.arrays(np.int64, (2, channels), elements=st.integers(-120, 120)))
        levels = draw(npst.arrays(np.int64, (2, channels), elements=st.integers(0, 1)))
        context = HyperContext(weights, levels, CONTEXT)
    return (z + means[:, None, None]).astype(np.int16), HyperCoder(PLAIN, indices, means, context)


@given(cases())
def test_round_trip_and_costs(case: Case) -> None:
    z, coder = case
    data = coder.encode(z)
    back = coder.decode(data, (z.shape[1], z.shape[2]))
    assert back.dtype == np.int16
    assert np.array_equal(back, z)
    bits = coder.bits(z)
    assert bits.shape == z.shape and bits.dtype == np.float32
    assert -1e-3 < 8 * len(data) - bits.sum(dtype=float) < 64


@given(cases(), st.integers(1, 3), st.sampled_from([b"\0\0\0\0", b"\1\2\3\4", b"\xff\xff\xff\xff"]))
def test_words_left_over_are_refused(case: Case, count: int, word: bytes) -> None:
    z, coder = case
    with pytest.raises(FormatError):
        coder.decode(coder.encode(z) + count * word, (z.shape[1], z.shape[2]))


@given(cases(), st.binary(max_size=60))
def test_garbage_raises_nothing_else(case: Case, garbage: bytes) -> None:
    z, coder = case
    for data in (garbage, garbage[: len(garbage) // 4 * 4]):
        try:
            back = coder.decode(data, (z.shape[1], z.shape[2]))
        except FormatError:
            continue
        assert (np.abs(back - coder.means[:, None, None]) <= PLAIN.bounds[coder.indices][:, None, None]).all()


@pytest.mark.parametrize("words", [2, 3, 50])
def test_streams_that_no_encoder_writes_are_refused(words: int) -> None:
    with pytest.raises(FormatError):
        HyperCoder(PLAIN, np.zeros(2, np.uint8), np.zeros(2, np.int16)).decode(b"\xff" * 4 * words, (3, 3))


def test_values_outside_their_table_are_refused() -> None:
    coder = HyperCoder(PLAIN, np.array([1, 2], np.uint8), np.zeros(2, np.int16))
    z = np.zeros((2, 2, 2), np.int16)
    z[0] = PLAIN.bounds[1]
    assert np.array_equal(coder.decode(coder.encode(z), (2, 2)), z)
    z[0, 1, 1] += 1
    for use in (coder.encode, coder.bits):
        with pytest.raises(ValueError, match="outside"):
            use(z)


def test_values_that_a_table_of_the_context_could_not_hold_alone_are_refused() -> None:
    """A stream can code a value of a cell with neighbours that puts z beyond its channel's table."""
    context = HyperContext(np.zeros((2, 1), np.int64), np.zeros((2, 1), np.int64), CONTEXT)
    narrow = HyperCoder(PLAIN, np.zeros(1, np.uint8), np.zeros(1, np.int16), context)
    wide = replace(narrow, indices=np.full(1, 7, np.uint8))
    z = np.zeros((1, 2, 2), np.int16)
    z[0, 1, 1] = 9
    later = wide.encode(z)
    words = RunWriter()  # the same, except for the table of the first cell
    words.add(PLAIN.bounds[:1].astype(np.int32), np.bincount([0], minlength=256), PLAIN)
    for values in ([9], [0, 0]):
        symbols = np.array(values, np.int32) + CONTEXT.bounds[0]
        words.add(symbols.astype(np.int32), np.bincount([0], minlength=256) * len(values), CONTEXT)
    assert later != words.stream()
    with pytest.raises(FormatError, match="outside"):
        narrow.decode(words.stream(), (2, 2))


def test_streams_are_as_specified() -> None:
    """Encode by SPEC section 7.2, element by element."""
    rng = np.random.default_rng(3)
    channels, rows, cols = 3, 5, 4
    z = rng.integers(-4, 5, (channels, rows, cols)).astype(np.int16)
    indices = np.array([4, 2, 4], np.uint8)
    weights, levels = rng.integers(-100, 101, (2, channels)), rng.integers(0, 2, (2, channels))
    coder = HyperCoder(PLAIN, indices, np.zeros(channels, np.int16), HyperContext(weights, levels, CONTEXT))
    writer = RunWriter()
    for step in range(3):
        symbols: list[tuple[int, int, int]] = []  # table, order, symbol
        for c, i, j in np.ndindex(channels, rows, cols):
            if step != (2 if i % 2 != j % 2 else i % 2):
                continue
            table, value, tables = int(indices[c]), int(z[c, i, j]), PLAIN
            if step:
                around = [(-1, -1), (-1, 1), (1, -1), (1, 1)] if step == 1 else [(-1, 0), (1, 0), (0, -1), (0, 1)]
                places = [(i + a, j + b) for a, b in around if 0 <= i + a < rows and 0 <= j + b < cols]
                m = sum(int(z[c, a, b]) for a, b in places)
                q = (int(weights[step - 1, c]) * m * (12 // len(places)) + 128) >> 8
                e = (q + 2) >> 2
                f = q - 4 * e
                value, table, tables = e - value if f < 0 else value - e, int(levels[step - 1, c]) + 2 * abs(f), CONTEXT
            symbols.append((table, len(symbols), value + int(tables.bounds[table])))
        ordered = sorted(symbols)
        counts = np.bincount([table for table, _, _ in ordered], minlength=256)
        writer.add(np.array([symbol for _, _, symbol in ordered], np.int32), counts, CONTEXT if step else PLAIN)
    assert coder.encode(z) == writer.stream()


def test_every_cell_has_one_step_and_neighbours_of_earlier_ones() -> None:
    for shape in ((1, 1), (1, 5), (2, 1), (4, 7)):
        assert (sum(cells.astype(int) for cells in steps(*shape)) == 1).all()


@given(cases())
def test_reach_is_never_exceeded(case: Case) -> None:
    z, coder = case
    if coder.context is None:
        return
    reach = coder.context.reach(PLAIN.bounds[coder.indices])
    centred = z.astype(np.int64) - coder.means[:, None, None]
    for step, cells in list(enumerate(steps(*z.shape[1:])))[1:]:
        away = np.abs(coder.context.expected(centred, step, cells).away(centred[:, cells]))
        assert (away <= reach[step - 1][:, None]).all()
