import numpy as np
import pytest

from aez.bitstream.costs import residual_bits
from aez.bitstream.entropy import encode_residual
from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import PRECISION, TableSet


def tables(escape: bool) -> TableSet:
    """Build one narrow and one wide table."""
    rows = [[2, 12, 2], [1, 2, 3, 4, 3, 2, 1]]
    if escape:
        rows = [[*row, 1] for row in rows]
    counts = []
    for row in rows:
        scaled = [value * 2**PRECISION // sum(row) for value in row]
        scaled[1] += 2**PRECISION - sum(scaled)
        counts += scaled
    return TableSet(np.array(counts, np.int32), np.array([len(row) for row in rows], np.int32), escape=escape)


def test_costs_are_what_the_coder_spends() -> None:
    random = np.random.default_rng(1)
    kinds = tables(escape=True)
    indices = random.integers(0, 2, (4, 50, 60)).astype(np.uint8)
    r = np.round(random.normal(0, 1.5, indices.shape)).astype(np.int16)
    bits = residual_bits(r, indices, kinds)
    assert (np.abs(r) > kinds.bounds[indices]).sum() > 100, "escapes are among them"
    spent = 8 * len(encode_residual(r, indices, kinds, 0))
    # The total includes the length of the escapes, the rest of their last byte, and the coder's final words.
    assert 0 <= spent - bits.sum(dtype=float) < 16 + 8 + 64
    assert (bits > 0).all()


def test_costs_of_single_symbols() -> None:
    kinds = tables(escape=True)
    narrow = kinds.cost_in_bits()[0]
    r = np.array([0, 1, -1, 2, -3, 5], np.int16)
    bits = residual_bits(r, np.zeros(6, np.uint8), kinds)
    # Beyond ±1: the escape symbol, then 1, 2 and 4 as signed Exp-Golomb codes of 2, 4 and 6 bits.
    expected = [narrow[1], narrow[2], narrow[0], narrow[3] + 2, narrow[3] + 4, narrow[3] + 6]
    assert bits == pytest.approx(expected, rel=1e-6)


def test_what_is_not_coded_costs_nothing() -> None:
    indices = np.array([NOT_CODED, 1, NOT_CODED, 1], np.uint8)
    bits = residual_bits(np.array([0, 2, 0, 0], np.int16), indices, tables(escape=True))
    assert (bits[::2] == 0).all() and (bits[1::2] > 0).all()
