"""Streams of symbols: constriction's range coder over integer tables, with escapes (SPEC section 7)."""

import hashlib

import constriction
import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.escapes import MAX_MAGNITUDE, read_escapes, write_escapes
from aez.bitstream.tables import TableSet
from aez.bitstream.varint import read_varint, write_varint

_Encoder = constriction.stream.queue.RangeEncoder
_Decoder = constriction.stream.queue.RangeDecoder
# The extension looks for numpy when it first makes an array, and panics if a signal's exception comes in between.
_Encoder().get_compressed()


def _runs(indices: NDArray[np.uint8], first_coded: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Coding order: positions sorted by table, stable, tables below ``first_coded`` left out; and run lengths."""
    counts = np.bincount(indices, minlength=256)
    counts[:first_coded] = 0
    coded = np.flatnonzero(indices >= first_coded)
    order = coded[np.argsort(indices[coded], kind="stable")]
    return order, counts


def _encode_runs(symbols: NDArray[np.int32], counts: NDArray[np.intp], tables: TableSet) -> bytes:
    encoder = _Encoder()
    at = 0
    for table in np.flatnonzero(counts):
        run = int(counts[table])
        encoder.encode(symbols[at : at + run], tables.coder_models[table])
        at += run
    return bytes(encoder.get_compressed().astype("<u4").tobytes())


def _decode_runs(data: bytes, counts: NDArray[np.intp], tables: TableSet) -> NDArray[np.int32]:
    if len(data) % 4:
        raise FormatError("a stream is not a whole number of 32-bit words")
    decoder = _Decoder(np.frombuffer(data, dtype="<u4").astype(np.uint32))
    out = np.empty(int(counts.sum()), dtype=np.int32)
    at = 0
    for table in np.flatnonzero(counts):
        run = int(counts[table])
        try:
            out[at : at + run] = decoder.decode(tables.coder_models[table], run)
        except AssertionError:  # constriction's word for words that no encoder writes
            raise FormatError("a stream cannot have been written by an encoder of this model") from None
        at += run
    # The coder itself cannot tell a word too many from its look-ahead.
    if not decoder.maybe_exhausted() or _encode_runs(out, counts, tables) != data:
        raise FormatError("a stream is not what an encoder writes for its symbols")
    return out


def encode_hyper(z: NDArray[np.int16], indices: NDArray[np.uint8], tables: TableSet) -> bytes:
    """Code the hyper-latent.

    Args:
        z: (Z, rows, columns), each channel within ±bounds of its table.
        indices: (Z,), the table of each channel.
        tables: tables without escape.

    Raises:
        ValueError: a value is outside its table.
    """
    bounds = tables.bounds[indices][:, None, None]
    if (np.abs(z) > bounds).any():
        raise ValueError("a hyper-latent lies outside its table")
    every = np.repeat(indices, z[0].size)
    order, counts = _runs(every, 0)
    return _encode_runs((z + bounds).astype(np.int32).ravel()[order], counts, tables)


def decode_hyper(
    data: bytes, shape: tuple[int, int], indices: NDArray[np.uint8], tables: TableSet
) -> NDArray[np.int16]:
    """Inverse of :func:`encode_hyper`; ``shape`` is (rows, columns).

    Raises:
        FormatError: the data cannot have been written by an encoder.
    """
    every = np.repeat(indices, shape[0] * shape[1])
    order, counts = _runs(every, 0)
    out = np.empty(every.size, dtype=np.int16)
    out[order] = _decode_runs(data, counts, tables) - tables.bounds[every[order]]
    return out.reshape(len(indices), *shape)


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
    order, counts = _runs(index, first_coded)
    values, bound = flat[order], tables.bounds[index[order]]
    escaped = np.abs(values) > bound
    symbols = np.where(escaped, 2 * bound + 1, values + bound)
    excess: list[int] = []
    if escaped.any():
        places = np.sort(order[escaped])
        limit = tables.bounds[index[places]]
        excess = (flat[places] - np.sign(flat[places]) * limit).tolist()
    escapes = write_escapes(excess)
    stream = _encode_runs(symbols.astype(np.int32), counts, tables)
    return write_varint(len(escapes)) + escapes + stream if escapes or stream else b""


def decode_residual(data: bytes, indices: NDArray[np.uint8], tables: TableSet, first_coded: int) -> NDArray[np.int16]:
    """Inverse of :func:`encode_residual`; returns r in the shape of ``indices``.

    Raises:
        FormatError: the data cannot have been written by an encoder.
    """
    index = indices.ravel()
    order, counts = _runs(index, first_coded)
    length, start = read_varint(data, 0) if data else (0, 0)
    if data and not order.size:
        raise FormatError("a tile without coded symbols is not empty")
    if start + length > len(data):
        raise FormatError("the escape stream is longer than its tile")
    symbols = _decode_runs(data[start + length :], counts, tables)
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
