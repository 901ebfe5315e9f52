"""Range coding of symbols that each have their own counts (SPEC section 7.1), with constriction's coder."""

from abc import ABC, abstractmethod

import constriction
import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.range_coder import RangeDecoder, RangeEncoder

_FAMILY = constriction.stream.model.Categorical(perfect=False)
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
        self._writer = RangeEncoder()

    def code(self, weights: NDArray[np.float64], symbols: Symbols | None) -> Symbols:
        """Encode symbols; see :meth:`Coder.code`."""
        assert symbols is not None
        self._writer.encode(symbols.astype(np.int32), _FAMILY, weights)
        return symbols

    def stream(self) -> bytes:
        """Return the stream, a whole number of 32-bit words."""
        return self._writer.stream()


class Decoder(Coder):
    """Decoder of a stream that :class:`Encoder` made; any other data are rejected."""

    def __init__(self, data: bytes) -> None:
        """Open a stream.

        Raises:
            FormatError: the stream is not a whole number of 32-bit words.
        """
        self._reader = RangeDecoder(data)

    def code(self, weights: NDArray[np.float64], symbols: Symbols | None = None) -> Symbols:
        """Decode symbols; see :meth:`Coder.code`. A stream that has ended before is refused soon."""
        found = self._reader.decode_each(_FAMILY, weights)
        if self._reader.words > self._reader.size // 4 + _SPARE_WORDS:
            raise FormatError("a stream is too short for its symbols")
        return found.astype(np.intp)

    def finish(self) -> None:
        """Check that the whole stream has been read and is canonical.

        Raises:
            FormatError: the stream is not what an encoder writes for these symbols.
        """
        self._reader.finish()
