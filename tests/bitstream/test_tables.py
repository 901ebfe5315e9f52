from typing import Any

import numpy as np
import pytest

from aez.bitstream import ModelError
from aez.bitstream.tables import MAX_TABLE_SYMBOLS, TableSet

TOTAL = 2**24


def counts(*values: int) -> list[int]:
    """Build a table of ``values``, completed to a sum of 2**24."""
    return [*values, TOTAL - sum(values)]


def make(tables: list[list[int]], *, escape: bool, **over: Any) -> TableSet:
    flat = np.array([count for table in tables for count in table], dtype=np.int32)
    return TableSet(flat, np.array(over.get("sizes", [len(table) for table in tables]), dtype=np.int32), escape=escape)


def test_tables_are_kept_apart() -> None:
    tables = make([counts(1, 2), counts(5, 6, 7, 8)], escape=False)
    assert len(tables) == 2
    assert tables.bounds.tolist() == [1, 2]
    assert tables.counts[1].tolist() == counts(5, 6, 7, 8)
    assert make([counts(1, 2, 3), counts(5, 6, 7, 8, 9)], escape=True).bounds.tolist() == [1, 2]


def test_costs_are_logarithms() -> None:
    (costs,) = make([counts(TOTAL // 2, TOTAL // 4)], escape=False).cost_in_bits()
    assert costs.tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    ("tables", "escape"),
    [
        pytest.param([counts(1, 2, 3)], False, id="even without escape"),
        pytest.param([counts(1, 2)], True, id="odd with escape"),
        pytest.param([counts(0, 2)], False, id="zero"),
        pytest.param([counts(-1, 2)], False, id="negative"),
        pytest.param([[1, 2, 3]], False, id="sum"),
        pytest.param([[1, 2, TOTAL - 2]], False, id="sum too large"),
        pytest.param([[1, 2, TOTAL - 4], [1, 2, TOTAL - 2]], False, id="sums that make up for each other"),
        pytest.param([[TOTAL]], False, id="one entry"),
        pytest.param([counts(*[1] * MAX_TABLE_SYMBOLS)], False, id="too long"),
        pytest.param([counts(1, 2)] * 257, False, id="too many"),
    ],
)
def test_bad_tables_are_refused(tables: list[list[int]], escape: bool) -> None:
    with pytest.raises(ModelError):
        make(tables, escape=escape)


@pytest.mark.parametrize("sizes", [[3, 3, 3], [3], [3, 5], [], [-3, 9], [0, 6]])
def test_sizes_that_do_not_fit_are_refused(sizes: list[int]) -> None:
    with pytest.raises(ModelError):
        make([counts(1, 2), counts(3, 4)], escape=False, sizes=np.array(sizes, dtype=np.int64))
