"""Statistics of the pixels so far, the same in encoder and decoder: right guesses, and colours after neighbours."""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.indexed.coders import Coder, Symbols
from aez.bitstream.indexed.waves import HASH_BITS
from aez.bitstream.tables import PRECISION

_RISE, _MOST = 8, 2000
"""Increment of a symbol's count, and the sum of a context's counts from which on they are halved."""


class Counts:
    """Counts of each symbol in each context, weighted towards the present."""

    def __init__(self, contexts: int, symbols: int, start: int) -> None:
        """Start all counts at ``start``."""
        self._counts = np.full((contexts, symbols), start, np.int64)
        self._new: list[tuple[Symbols, Symbols]] = []

    def code(self, coder: Coder, contexts: Symbols, symbols: Symbols | None) -> Symbols:
        """Code one symbol for each context; they count from the next :meth:`learn` on.

        Args:
            coder: encoder or decoder.
            contexts: (n,).
            symbols: (n,), what to encode; None when decoding.
        """
        counts = self._counts[contexts]
        free = (1 << PRECISION) - counts.shape[1]
        weights = counts * free // counts.sum(1, keepdims=True)
        weights[:, 0] += free - weights.sum(1)
        found = coder.code(weights.astype(np.float64), symbols)
        self._new.append((contexts, found))
        return found

    def learn(self) -> None:
        """Count what was coded."""
        if not self._new:
            return
        contexts, symbols = (np.concatenate(parts) for parts in zip(*self._new, strict=True))
        self._new = []
        np.add.at(self._counts, (contexts, symbols), _RISE)
        full = contexts[self._counts[contexts].sum(1) > _MOST]
        if full.size:
            self._counts[full] = (self._counts[full] >> 1) + 1


class Memory:
    """The value that last followed neighbours of the same values, by their hash.

    Attributes:
        values: (2¹⁸,), 0 where nothing is known.
        times: (2¹⁸,), how often the value followed again.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self.values = np.zeros(1 << HASH_BITS, np.intp)
        self.times = np.zeros(1 << HASH_BITS, np.intp)

    def learn(self, hashes: NDArray[np.intp], values: NDArray[np.intp]) -> None:
        """Note what followed, (n,) each; of equal hashes the last one counts."""
        before, times = self.values[hashes], self.times[hashes]
        same = before == values
        kept = ~same & (times > 1)
        self.values[hashes] = np.where(kept, before, values)
        self.times[hashes] = np.where(same, times + 1, np.where(kept, times >> 2, 0))
