import itertools

import numpy as np
import pytest

from aez.bitstream.costs import residual_bits
from aez.bitstream.entropy import coded_tables
from aez.bitstream.runs import NOT_CODED
from aez.codec.encoding.quantise import Quantiser
from aez.codec.model.scales import ladder
from aez.codec.model.weightfile import Weights

TABLES = np.arange(64, dtype=np.uint8)


def quantise(quantiser: Quantiser, value: float, index: int) -> int:
    return int(quantiser(np.full((1, 1, 1), value, np.float32), np.full((1, 1, 1), index, np.uint8)).item())


@pytest.fixture
def optimised(tiny: Weights) -> Quantiser:
    """Two channels, the second of which hardly matters."""
    return Quantiser(7, tiny.residual_tables, np.array([8.7, 0.3], np.float32), 1.0)


@pytest.mark.parametrize("first_coded", [0, 7, 64])
def test_nothing_below_the_first_coded_table(first_coded: int, tiny: Weights) -> None:
    values, tables = np.full((1, 1, 64), 9.0, np.float32), TABLES.reshape(1, 1, -1)
    tables = coded_tables(tables, first_coded)
    for strength in (0.0, 1.0):
        out = Quantiser(first_coded, tiny.residual_tables, np.array([1e6], np.float32), strength)(values, tables)
        assert out.dtype == np.int16
        assert (out[..., :first_coded] == 0).all()
        assert (out[..., first_coded:] == 9).all()


def test_plain_rounding(tiny: Weights) -> None:
    values = np.linspace(-9.9, 9.9, 1777, dtype=np.float32).reshape(1, 1, -1)
    quantiser = Quantiser(3, tiny.residual_tables, np.array([9.0], np.float32), 0.0)
    out = quantiser(values, np.full_like(values, 3, np.uint8))
    assert np.array_equal(out, values.round())
    assert quantise(quantiser, 5.0, NOT_CODED) == 0


@pytest.mark.slow
def test_rare_symbols_are_the_cheapest_of_three(tiny: Weights) -> None:
    values = np.linspace(-9.3, 9.3, 901, dtype=np.float32).reshape(1, 1, -1)
    rare = set()
    for index, worth in itertools.product((0, 3, 6), (0.5, 6.0, 60.0)):
        quantiser = Quantiser(7, tiny.residual_tables, np.array([worth], np.float32), 0.4)
        out = quantiser(values, np.full_like(values, index, np.uint8))
        for value, symbol in zip(values[0, 0].tolist(), out[0, 0].tolist(), strict=True):
            near = int(abs(value) + 0.5)
            k = np.array(sorted({near, max(near - 1, 0), 0}), np.int16)
            bits = residual_bits(k, np.full(len(k), index, np.uint8), tiny.residual_tables)
            costs = bits + worth * (abs(value) - k) ** 2
            assert costs[k == abs(symbol)][0] <= costs.min() + 1e-3
            assert symbol * value >= 0
            rare.add(symbol)
    assert {0, 1, -2, 9} <= rare


def test_each_symbol_is_the_cheaper_of_two(optimised: Quantiser, tiny: Weights) -> None:
    values = np.linspace(-6.3, 6.3, 901, dtype=np.float32).reshape(1, 1, -1).repeat(2, 0)
    for index in (7, 20, 30, 45, 63):
        out = optimised(values, np.full_like(values, index, np.uint8))
        cost = tiny.residual_tables.cost_in_bits()[index]
        bound = int(tiny.residual_tables.bounds[index])
        for channel, worth in enumerate((8.7, 0.3)):
            for value, symbol in zip(values[channel, 0].tolist(), out[channel, 0].tolist(), strict=True):
                near = int(abs(value) + 0.5)
                if near > bound:
                    continue
                costs = {k: float(cost[bound + k]) + worth * (abs(value) - k) ** 2 for k in {near, max(near - 1, 0)}}
                assert costs[abs(symbol)] <= min(costs.values()) + 1e-3
                assert symbol * value >= 0


def test_the_narrower_the_dearer(optimised: Quantiser) -> None:
    values = np.linspace(0.3, 1.4, 1101, dtype=np.float32).reshape(1, 1, -1).repeat(2, 0)
    edges = [
        float(values[0, 0][optimised(values, np.full_like(values, i, np.uint8))[0, 0] > 0][0]) for i in range(9, 64)
    ]
    assert all(a >= b - 2e-3 for a, b in itertools.pairwise(edges))
    assert ladder()[9] < 0.36
    assert edges[0] > 0.7
    assert edges[-1] == pytest.approx(0.5, abs=2e-3)


def test_values_are_clamped_to_what_a_file_holds(optimised: Quantiser) -> None:
    for sign in (1, -1):
        values = np.full((2, 1, 1), sign * 1e9, np.float32)
        assert (optimised(values, np.full((2, 1, 1), 63, np.uint8)) == sign * (2**15 - 1)).all()
        assert int(np.abs(optimised(values, np.zeros((2, 1, 1), np.uint8))).max()) < 2**15
