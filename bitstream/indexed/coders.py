"""Range coding of symbols that each have their own counts (SPEC section 7.1), with constriction's coder."""

from abc import ABC, abstractmethod

import constriction
import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError

_SPARE_WORDS = 4
"""Words that the coder may hold back, and more."""
Symbols = NDArray[np.intp]


class Coder(ABC):
    """Encoder or decoder of symbols."""

    @abstractmethod
    def code(self, weights: NDArray[np.float64], symbols: Symbols | None) -> Symbols:
        """Code one symbol a row.

        Args:
            weights: (n, s), counts of the symbols − 1; rows sum to 2²⁴ − s, so that constriction's fast constructor
                makes these counts; see :class:`~aez.bitstream.tables.TableSet`.
            symbols: (n,), what to encode; None when decoding.

        Returns:
            The symbols, (n,).

        Raises:
            FormatError: no encoder writes these data.
        """


class Encoder(Coder):
    """Encoder of a stream."""

    def __init__(self) -> None:
        """Start an empty stream."""
        self._coder = constriction.stream.queue.RangeEncoder()
        self._family = constriction.stream.model.Categorical(perfect=False)

    def code(self, weights: NDArray[np.float64], symbols: Symbols | None) -> Symbols:
        """Encode symbols; see :meth:`Coder.code`."""
        assert symbols is not None
        self._coder.encode(symbols.astype(np.int32), self._family, weights)
        return symbols

    @property
    def words(self) -> int:
        """The words that are written already."""
        return int(self._coder.num_words())

    def stream(self) -> bytes:
        """Return the stream, a whole number of 32-bit words."""
        return bytes(self._coder.get_compressed().astype("<u4").tobytes())


class Decoder(Coder):
    """Decoder of a stream that :class:`Encoder` made; any other data are rejected."""

    def __init__(self, data: bytes) -> None:
        """Open a stream.

        Raises:
            FormatError: the stream is not a whole number of 32-bit words.
        """
        if len(data) % 4:
            raise FormatError("a stream is not a whole number of 32-bit words")
        self._data, self._again = data, Encoder()
        self._coder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, dtype="<u4").astype(np.uint32))
        self._family = constriction.stream.model.Categorical(perfect=False)

    def code(self, weights: NDArray[np.float64], symbols: Symbols | None = None) -> Symbols:
        """Decode symbols; see :meth:`Coder.code`. A stream that has ended before is refused soon."""
        try:
            found = self._coder.decode(self._family, weights)
        except AssertionError:  # constriction's error for words that no encoder writes
            raise FormatError("a stream cannot have been written by an encoder") from None
        self._again.code(weights, found)
        if self._again.words > len(self._data) // 4 + _SPARE_WORDS:
            raise FormatError("a stream is too short for its symbols")
        return np.asarray(found, np.intp)

    def finish(self) -> None:
        """Check that the whole stream has been read and is canonical.

        Raises:
            FormatError: the stream is not what an encoder writes for these symbols.
        """
        if not self._coder.maybe_exhausted() or self._again.stream() != self._data:
            raise FormatError("a stream is not what an encoder writes for its symbols")
