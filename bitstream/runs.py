"""Range coding of symbols in runs, one run per probability table, with constriction's coder (SPEC section 7.1)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.range_coder import RangeDecoder, RangeEncoder
from aez.bitstream.tables import TableSet

NOT_CODED = 255
"""Value in place of a table's number for a symbol that is 0 and not in the stream."""
PIECE = 2**21
"""Symbols whose order is in memory together."""
SPARE_BITS = 96
"""Bits by which a stream may be shorter than the information in its symbols: those of the coder's last words."""


def coding_order(indices: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Sort the coded symbols by table; return their positions, in stable order, and the run length of each table.

    Args:
        indices: table of each symbol, 1-D, or ``NOT_CODED``.
    """
    counts = np.bincount(indices, minlength=NOT_CODED + 1)
    counts[NOT_CODED] = 0
    coded = np.flatnonzero(indices != NOT_CODED)
    order = coded[np.argsort(indices[coded], kind="stable")]
    return order, counts


def run_lengths(indices: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the number of symbols of each table, (256,); 0 for ``NOT_CODED``. Arguments as :func:`coding_order`."""
    counts = np.zeros(NOT_CODED + 1, np.intp)
    for start in range(0, indices.size, PIECE):  # which casts what it counts to 64 bits
        counts += np.bincount(indices[start : start + PIECE], minlength=NOT_CODED + 1)
    counts[NOT_CODED] = 0
    return counts


def coding_pieces(indices: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield what :func:`coding_order` returns in pieces of at most ``PIECE`` symbols, so that memory is bounded."""
    if indices.size <= PIECE:
        yield coding_order(indices)
        return
    starts = range(0, indices.size, PIECE)
    parts = [indices[start : start + PIECE] for start in starts]
    lengths = np.array([run_lengths(part) for part in parts])
    for table in np.flatnonzero(lengths.any(0)):
        for start, part, length in zip(starts, parts, lengths[:, table], strict=True):
            if length:
                counts = np.zeros(NOT_CODED + 1, np.intp)
                counts[table] = length
                yield np.flatnonzero(part == table) + start, counts


class RunWriter(RangeEncoder):
    """Encoder of a stream of runs."""

    def add(self, symbols: NDArray[np.int32], counts: NDArray[np.intp], tables: TableSet) -> None:
        """Encode symbols (numbers of table entries) that are in :func:`coding_order`."""
        at = 0
        for table in np.flatnonzero(counts):
            run = int(counts[table])
            self.encode(symbols[at : at + run], tables.coder_models[table])
            at += run


class RunReader(RangeDecoder):
    """Decoder of a stream that :class:`RunWriter` made; any other data are rejected."""

    def require(self, counts: NDArray[np.intp], tables: TableSet) -> None:
        """Refuse a stream that is too short for ``counts[k]`` symbols of each table k, before any is decoded.

        Raises:
            FormatError: even the most probable symbols take more bits than the stream has.
        """
        if tables.least_bits @ counts[: len(tables)] > 8 * self.size + SPARE_BITS:
            raise FormatError("a stream is too short for its symbols")

    def read(self, counts: NDArray[np.intp], tables: TableSet) -> NDArray[np.int32]:
        """Decode ``counts[k]`` symbols of each table k.

        Raises:
            FormatError: no encoder writes these data.
        """
        out = np.empty(int(counts.sum()), dtype=np.int32)
        at = 0
        for table in np.flatnonzero(counts):
            run = int(counts[table])
            out[at : at + run] = self.decode_run(tables.coder_models[table], run)
            at += run
        return out
