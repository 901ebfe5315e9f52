"""Runs of symbols of one table each: constriction's range coder over integer tables (SPEC section 7.1)."""

import constriction
import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.tables import TableSet

_Encoder = constriction.stream.queue.RangeEncoder
_Decoder = constriction.stream.queue.RangeDecoder
NOT_CODED = 255
"""In the place of a table's number: the symbol is not in the stream, and is 0."""
# The extension looks for numpy when it first makes an array, and panics if a signal's exception comes in between.
_Encoder().get_compressed()


def coding_order(indices: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the coded symbols sorted by table, stable; and the run length of each table.

    Args:
        indices: the table of each symbol, 1-D, or ``NOT_CODED``.
    """
    counts = np.bincount(indices, minlength=NOT_CODED + 1)
    counts[NOT_CODED] = 0
    coded = np.flatnonzero(indices != NOT_CODED)
    order = coded[np.argsort(indices[coded], kind="stable")]
    return order, counts


class RunWriter:
    """Makes a stream."""

    def __init__(self) -> None:
        """Nothing is coded yet."""
        self._encoder = _Encoder()

    def add(self, symbols: NDArray[np.int32], counts: NDArray[np.intp], tables: TableSet) -> None:
        """Code symbols, numbers of a table's entries, in :func:`coding_order`."""
        at = 0
        for table in np.flatnonzero(counts):
            run = int(counts[table])
            self._encoder.encode(symbols[at : at + run], tables.coder_models[table])
            at += run

    def stream(self) -> bytes:
        """What has been coded, a whole number of 32-bit words."""
        return bytes(self._encoder.get_compressed().astype("<u4").tobytes())


class RunReader:
    """Reads a stream that :class:`RunWriter` made, and refuses any other."""

    def __init__(self, data: bytes) -> None:
        """Begin.

        Raises:
            FormatError: the stream is not a whole number of words.
        """
        if len(data) % 4:
            raise FormatError("a stream is not a whole number of 32-bit words")
        self._data, self._again = data, RunWriter()
        self._decoder = _Decoder(np.frombuffer(data, dtype="<u4").astype(np.uint32))

    def read(self, counts: NDArray[np.intp], tables: TableSet) -> NDArray[np.int32]:
        """So many symbols of each table.

        Raises:
            FormatError: no encoder writes this.
        """
        out = np.empty(int(counts.sum()), dtype=np.int32)
        at = 0
        for table in np.flatnonzero(counts):
            run = int(counts[table])
            try:
                out[at : at + run] = self._decoder.decode(tables.coder_models[table], run)
            except AssertionError:  # constriction's word for words that no encoder writes
                raise FormatError("a stream cannot have been written by an encoder of this model") from None
            at += run
        self._again.add(out, counts, tables)
        return out

    def finish(self) -> None:
        """All has been read.

        Raises:
            FormatError: the stream is not what an encoder writes for these symbols.
        """
        # The coder itself cannot tell a word too many from its look-ahead.
        if not self._decoder.maybe_exhausted() or self._again.stream() != self._data:
            raise FormatError("a stream is not what an encoder writes for its symbols")
