"""The stream of a tile's residual symbols, with escapes (SPEC section 7.3), and the digest of all symbols."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.escapes import MAX_MAGNITUDE, read_escapes, write_escapes
from aez.bitstream.runs import RunReader, RunWriter, coding_order
from aez.bitstream.tables import TableSet
from aez.bitstream.varint import read_varint, write_varint


def encode_residual(r: NDArray[np.int16], indices: NDArray[np.uint8], tables: TableSet, first_coded: int) -> bytes:
    """Code one tile of the residual symbols r.

    Args:
        r: (M, rows, columns); 0 wherever ``indices`` is below ``first_coded``.
        indices: the table of each element, same shape.
        tables: tables with escape.
        first_coded: lowest table that is coded at all.

    Raises:
        ValueError: a value is not 0 where it must be, or beyond ±(2**15 − 1).
    """
    flat, index = r.ravel().astype(np.int32), indices.ravel()
    if flat.any() and (np.abs(flat).max() > MAX_MAGNITUDE or flat[index < first_coded].any()):
        raise ValueError("a residual symbol is out of range")
    order, counts = coding_order(index, first_coded)
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
    stream = writer.stream()
    return write_varint(len(escapes)) + escapes + stream if escapes or stream else b""


def decode_residual(data: bytes, indices: NDArray[np.uint8], tables: TableSet, first_coded: int) -> NDArray[np.int16]:
    """Inverse of :func:`encode_residual`; returns r in the shape of ``indices``.

    Raises:
        FormatError: the data cannot have been written by an encoder.
    """
    index = indices.ravel()
    order, counts = coding_order(index, first_coded)
    length, start = read_varint(data, 0) if data else (0, 0)
    if data and not order.size:
        raise FormatError("a tile without coded symbols is not empty")
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
    return out.reshape(indices.shape)


def symbols_digest(z: NDArray[np.int16], r: NDArray[np.int16]) -> str:
    """SHA-256 (hexadecimal) over z then r as int32 little-endian, channel–row–column: it proves the symbols."""
    digest = hashlib.sha256()
    for symbols in (z, r):
        for channel in symbols:
            digest.update(np.ascontiguousarray(channel, dtype="<i4").tobytes())
    return digest.hexdigest()
