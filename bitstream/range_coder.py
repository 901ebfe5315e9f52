"""Range coding with constriction's coder (SPEC section 7.1); streams that its encoder does not write are refused."""

from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError

_Encoder = constriction.stream.queue.RangeEncoder
_Decoder = constriction.stream.queue.RangeDecoder
# The extension imports numpy when it first makes an array, and panics if a signal interrupts this. The import is done
# here.
_Encoder().get_compressed()


class RangeEncoder:
    """Encoder of a stream."""

    def __init__(self) -> None:
        """Start an empty stream."""
        self._encoder = _Encoder()

    def encode(self, symbols: NDArray[np.int32], model: Any, *weights: NDArray[np.float64]) -> None:
        """Encode symbols, (n,), by one of constriction's models, or by a family of them and ``weights``, (n, s)."""
        self._encoder.encode(symbols, model, *weights)

    @property
    def words(self) -> int:
        """The words that are written already; the coder holds back a few."""
        return int(self._encoder.num_words())

    def stream(self) -> bytes:
        """Return the stream, a whole number of 32-bit words."""
        return bytes(self._encoder.get_compressed().astype("<u4").tobytes())


class RangeDecoder:
    """Decoder of a stream that :class:`RangeEncoder` made; any other data are rejected.

    Attributes:
        size: bytes of the stream.
    """

    def __init__(self, data: bytes) -> None:
        """Open a stream.

        Raises:
            FormatError: the stream is not a whole number of 32-bit words.
        """
        if len(data) % 4:
            raise FormatError("a stream is not a whole number of 32-bit words")
        self.size = len(data)
        self._data, self._again = data, RangeEncoder()
        self._decoder = _Decoder(np.frombuffer(data, dtype="<u4").astype(np.uint32))

    @property
    def words(self) -> int:
        """The words that the symbols so far fill; the coder holds back a few."""
        return self._again.words

    def decode_run(self, model: Any, count: int) -> NDArray[np.int32]:
        """Decode ``count`` symbols by one of constriction's models.

        Raises:
            FormatError: no encoder writes these data.
        """
        found = self._decoded(model, count)
        self._again.encode(found, model)
        return found

    def decode_each(self, family: Any, weights: NDArray[np.float64]) -> NDArray[np.int32]:
        """Decode a symbol for each row of ``weights``, (n, s), by a family of constriction's models.

        Raises:
            FormatError: no encoder writes these data.
        """
        found = self._decoded(family, weights)
        self._again.encode(found, family, weights)
        return found

    def finish(self) -> None:
        """Check that the whole stream has been read and is canonical.

        Raises:
            FormatError: the stream is not what an encoder writes for these symbols.
        """
        # The decoder reads ahead, so it cannot tell an extra word at the end.
        if not self._decoder.maybe_exhausted() or self._again.stream() != self._data:
            raise FormatError("a stream is not what an encoder writes for its symbols")

    def _decoded(self, model: Any, what: Any) -> NDArray[np.int32]:
        try:
            found: NDArray[np.int32] = self._decoder.decode(model, what)
        except AssertionError:  # constriction's error for words that no encoder writes
            raise FormatError("a stream cannot have been written by an encoder of this model") from None
        return found
