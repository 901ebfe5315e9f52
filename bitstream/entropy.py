"""Entropy coding of a tile's residual symbols, with escapes (SPEC section 7.3), and the digest of all symbols."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.escapes import MAX_MAGNITUDE, check_length, read_escapes, write_escapes
from aez.bitstream.runs import NOT_CODED, RunReader, RunWriter, coding_pieces, run_lengths
from aez.bitstream.tables import TableSet
from aez.bitstream.varint import read_varint, write_varint

MAX_EXTRA = 7
"""Largest number of tables that a tile can code below the model's first coded one."""
_EXTRA_BITS = 3


def coded_tables(indices: NDArray[np.uint8], lowest: int) -> NDArray[np.uint8]:
    """Replace indices of tables below the lowest coded one by ``NOT_CODED``."""
    out: NDArray[np.uint8] = np.where(indices < lowest, np.uint8(NOT_CODED), indices)
    return out


def encode_residual(r: NDArray[np.int16], indices: NDArray[np.uint8], tables: TableSet, first_coded: int) -> bytes:
    """Encode the residual symbols r of one tile.

    Args:
        r: (M, rows, columns); 0 where ``indices`` is ``NOT_CODED``.
        indices: table of each element, same shape; see :func:`coded_tables`. Either all elements of a table are coded
            or none; all elements of table ``first_coded`` and above are coded.
        tables: tables with escape.
        first_coded: lowest table that a tile codes by default.

    Raises:
        ValueError: a value is not 0 where nothing is coded, or beyond ±(2**15 − 1); or a coded table is too low.
    """
    flat, index = r.ravel(), indices.ravel()
    # The least int16 has no positive counterpart.
    if flat.any() and (max(int(flat.max()), -int(flat.min())) > MAX_MAGNITUDE or flat[index == NOT_CODED].any()):
        raise ValueError("a residual symbol is out of range")
    counts = run_lengths(index)
    if not counts.any():
        return b""
    extra = max(0, first_coded - int(np.flatnonzero(counts)[0]))
    if extra > MAX_EXTRA:
        raise ValueError(f"a tile codes at most {MAX_EXTRA} tables below the model's first coded one")
    writer, escaped = RunWriter(), [np.empty(0, np.intp)]
    for order, lengths in coding_pieces(index):
        values, bound = flat[order].astype(np.int32), tables.bounds[index[order]]
        beyond = np.abs(values) > bound
        escaped.append(order[beyond])
        writer.add(np.where(beyond, 2 * bound + 1, values + bound).astype(np.int32), lengths, tables)
    places = np.sort(np.concatenate(escaped))
    full = flat[places].astype(np.int32)
    escapes = write_escapes((full - np.sign(full) * tables.bounds[index[places]]).tolist())
    return write_varint(len(escapes) << _EXTRA_BITS | extra) + escapes + writer.stream()


def decode_residual(
    data: bytes, indices: NDArray[np.uint8], tables: TableSet, first_coded: int
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Decode one tile; inverse of :func:`encode_residual`.

    Args:
        data: stream of the tile.
        indices: table of each element, coded or not.
        tables: tables with escape.
        first_coded: lowest table that a tile codes by default.

    Returns:
        r, and the table of each element or ``NOT_CODED``, both in the shape of ``indices``.

    Raises:
        FormatError: the data cannot have been written by an encoder.
    """
    extra, escapes, words = tile_parts(data)
    coded = coded_tables(indices, first_coded - extra)
    index = coded.ravel()
    counts = run_lengths(index)
    if bool(data) != bool(counts.any()):
        raise FormatError("a tile with coded symbols is empty, or one without any is not")
    if extra and not (extra <= first_coded and counts[first_coded - extra]):
        raise FormatError("a tile names a table that it does not code")
    reader = RunReader(words)
    reader.require(counts, tables)
    out = np.zeros(index.size, dtype=np.int16)
    escaped = Escaped(escapes)
    for order, lengths in coding_pieces(index):
        bound = tables.bounds[index[order]]
        symbols = reader.read(lengths, tables)
        beyond = symbols == 2 * bound + 1
        out[order] = np.where(beyond, 0, symbols - bound)
        escaped.add(order[beyond])
    reader.finish()
    places = escaped.places()
    out[places] = escaped.values(tables.bounds[index[places]])
    return out.reshape(indices.shape), coded


def tile_parts(data: bytes) -> tuple[int, bytes, bytes]:
    """Divide a TILE's payload into e, the number of tables below the model's first coded one, escapes and words.

    Raises:
        FormatError: the escape stream is longer than the payload.
    """
    head, start = read_varint(data, 0) if data else (0, 0)
    end = start + (head >> _EXTRA_BITS)
    if end > len(data):
        raise FormatError("the escape stream is longer than its tile")
    return head & MAX_EXTRA, data[start:end], data[end:]


class Escaped:
    """The elements of a tile whose values are in its escape stream."""

    def __init__(self, data: bytes) -> None:
        """Take the escape stream."""
        self._data = data
        self._places: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
        self._count = 0

    def add(self, places: NDArray[np.intp]) -> None:
        """Add elements, by their number in raster order.

        Raises:
            TruncatedError: the stream is too short for so many.
        """
        self._count += len(places)
        check_length(self._data, self._count)
        self._places.append(places)

    def places(self) -> NDArray[np.intp]:
        """Return the elements in the order of the stream."""
        return np.sort(np.concatenate(self._places))

    def values(self, bounds: NDArray[np.int32]) -> NDArray[np.int32]:
        """Decode the values of :meth:`places`, of whose tables these are the bounds.

        Raises:
            FormatError: the stream is damaged, or a value is out of range.
        """
        excess = read_escapes(self._data, self._count)
        full = excess + np.sign(excess) * bounds
        if self._count and np.abs(full).max() > MAX_MAGNITUDE:
            raise FormatError("an escaped symbol is out of range")
        return full


def symbols_digest(z: NDArray[np.int16], r: NDArray[np.int16]) -> str:
    """Return the SHA-256 (hexadecimal) of z, then r, as little-endian int32 in channel–row–column order."""
    digest = hashlib.sha256()
    for symbols in (z, r):
        for channel in symbols:
            digest.update(np.ascontiguousarray(channel, dtype="<i4").tobytes())
    return digest.hexdigest()
