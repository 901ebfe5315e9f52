"""Entropy coding of a tile's residual symbols, with escapes (SPEC section 7.3), and the digest of all symbols."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.escapes import MAX_MAGNITUDE, read_escapes, write_escapes
from aez.bitstream.runs import NOT_CODED, RunReader, RunWriter, coding_order
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
    flat, index = r.ravel().astype(np.int32), indices.ravel()
    if flat.any() and (np.abs(flat).max() > MAX_MAGNITUDE or flat[index == NOT_CODED].any()):
        raise ValueError("a residual symbol is out of range")
    order, counts = coding_order(index)
    if not order.size:
        return b""
    extra = max(0, first_coded - int(np.flatnonzero(counts)[0]))
    if extra > MAX_EXTRA:
        raise ValueError(f"a tile codes at most {MAX_EXTRA} tables below the model's first coded one")
    values, bound = flat[order], tables.bounds[index[order]]
    escaped = np.abs(values) > bound
    symbols = np.where(escaped, 2 * bound + 1, values + bound)
    excess: list[int] = []
    if escaped.any():
        places = np.sort(order[escaped])
        limit = tables.bounds[index[places]]
        excess = (flat[places] - np.sign(flat[places]) * limit).tolist()
    escapes = write_escapes(excess)
    writer = RunWriter()
    writer.add(symbols.astype(np.int32), counts, tables)
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
    head, start = read_varint(data, 0) if data else (0, 0)
    length, extra = head >> _EXTRA_BITS, head & MAX_EXTRA
    coded = coded_tables(indices, first_coded - extra)
    index = coded.ravel()
    order, counts = coding_order(index)
    if bool(data) != bool(order.size):
        raise FormatError("a tile with coded symbols is empty, or one without any is not")
    if extra and not (extra <= first_coded and counts[first_coded - extra]):
        raise FormatError("a tile names a table that it does not code")
    if start + length > len(data):
        raise FormatError("the escape stream is longer than its tile")
    reader = RunReader(data[start + length :])
    symbols = reader.read(counts, tables)
    reader.finish()
    bound = tables.bounds[index[order]]
    values = symbols - bound
    escaped = symbols == 2 * bound + 1
    out = np.zeros(index.size, dtype=np.int16)
    out[order] = np.where(escaped, 0, values)
    places = np.sort(order[escaped])
    excess = read_escapes(data[start : start + length], len(places))
    if len(places):
        full = excess + np.sign(excess) * tables.bounds[index[places]]
        if np.abs(full).max() > MAX_MAGNITUDE:
            raise FormatError("an escaped symbol is out of range")
        out[places] = full
    return out.reshape(indices.shape), coded


def symbols_digest(z: NDArray[np.int16], r: NDArray[np.int16]) -> str:
    """Return the SHA-256 (hexadecimal) of z, then r, as little-endian int32 in channel–row–column order."""
    digest = hashlib.sha256()
    for symbols in (z, r):
        for channel in symbols:
            digest.update(np.ascontiguousarray(channel, dtype="<i4").tobytes())
    return digest.hexdigest()
