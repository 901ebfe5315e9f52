"""Integer probability tables as the weights file stores them (SPEC section 6)."""

from functools import cached_property

import constriction
import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError

PRECISION = 24
MAX_TABLE_SYMBOLS = 2**13
MAX_TABLES = 255


class TableSet:
    """List of frequency tables, each with counts of at least 1 that sum to 2**24.

    Every table is centred: entry k of a table with 2·L + 1 (``escape=False``) or 2·L + 2 (``escape=True``) entries
    stands for the value k − L. With ``escape``, the last entry announces a value beyond ±L.
    """

    def __init__(self, counts: NDArray[np.int32], sizes: NDArray[np.int32], *, escape: bool) -> None:
        """Check the tables and store them.

        Args:
            counts: counts of all tables, concatenated, 1-D integers.
            sizes: number of entries of each table, 1-D integers.
            escape: whether the last entry of each table is the escape symbol.

        Raises:
            ModelError: a table breaks a rule.
        """
        flat = np.asarray(counts, dtype=np.int64).ravel()
        lengths = np.asarray(sizes, dtype=np.int64).ravel()
        if not 1 <= lengths.size <= MAX_TABLES or lengths.min() < 3 or lengths.max() > MAX_TABLE_SYMBOLS:
            raise ModelError("the model's probability tables have a size out of range")
        if lengths.sum() != flat.size or flat.min() < 1 or flat.max() >= 2**PRECISION:
            raise ModelError("the model's probability tables are damaged")
        if ((lengths - escape) % 2 == 0).any():
            raise ModelError("the model's probability tables are not centred")
        self.escape = escape
        self.counts = np.split(flat, np.cumsum(lengths)[:-1])
        if any(int(table.sum()) != 2**PRECISION for table in self.counts):
            raise ModelError("the model's probability tables do not sum to 2**24")
        self.bounds = ((lengths - 1 - escape) // 2).astype(np.int32)

    def __len__(self) -> int:
        """Return the number of tables."""
        return len(self.counts)

    @cached_property
    def coder_models(self) -> list[constriction.stream.model.Categorical]:
        """The tables as constriction's models.

        Constriction's fast constructor turns weights w into counts floor(w · s) + 1 with s = (2**24 − n) / Σw. Weights
        of count − 1 make s exactly 1, so constriction's counts equal ours; a test decodes with an independent coder.
        """
        return [
            constriction.stream.model.Categorical((table - 1).astype(np.float64), perfect=False)
            for table in self.counts
        ]

    @cached_property
    def least_bits(self) -> NDArray[np.float64]:
        """Bits of each table's most probable entry, (tables,)."""
        return np.array([costs.min() for costs in self.cost_in_bits()])

    def cost_in_bits(self) -> list[NDArray[np.float64]]:
        """Return −log2 of every entry's probability, one array per table."""
        return [PRECISION - np.log2(table) for table in self.counts]
