"""Entropy coding of a code in which every channel has one probability table: layout 1 (SPEC section 5.6)."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.entropy import Escaped, tile_parts
from aez.bitstream.errors import FormatError
from aez.bitstream.runs import NOT_CODED, PIECE, RunReader
from aez.bitstream.tables import TableSet


def decode_factorised(
    data: bytes,
    index: NDArray[np.uint8],
    sides: tuple[int, int],
    tables: TableSet,
    area: tuple[slice, slice] | None = None,
) -> NDArray[np.int16]:
    """Decode a code, or an area of it; memory is taken for the area and for a piece of the stream.

    Args:
        data: the TILE's payload.
        index: table of each channel, (C,).
        sides: rows and columns of the whole code.
        tables: tables with escape.
        area: rows and columns to return, with their bounds; None for all.

    Returns:
        (C, rows, columns) of the area.

    Raises:
        FormatError: the data cannot have been written by an encoder.
    """
    rows, cols = area or (slice(0, sides[0]), slice(0, sides[1]))
    extra, escapes, words = tile_parts(data)
    if not data or extra:
        raise FormatError("a tile with coded symbols is empty, or names a table that it does not code")
    cells = prod(sides)
    reader, escaped = RunReader(words), Escaped(escapes)
    reader.require(np.bincount(index, minlength=NOT_CODED + 1) * cells, tables)
    out = np.zeros((len(index), rows.stop - rows.start, cols.stop - cols.start), np.int16)
    step = max(1, PIECE // sides[1])
    for channel in np.argsort(index, kind="stable"):
        table = index[channel]
        bound = int(tables.bounds[table])
        counts = np.zeros(NOT_CODED + 1, np.intp)
        for top in range(0, sides[0], step):
            bottom = min(sides[0], top + step)
            counts[table] = (bottom - top) * sides[1]
            symbols = reader.read(counts, tables)
            beyond = symbols == 2 * bound + 1
            escaped.add(np.flatnonzero(beyond) + channel * cells + top * sides[1])
            values = np.where(beyond, 0, symbols - bound).reshape(-1, sides[1])
            first, last = max(rows.start, top), min(rows.stop, bottom)
            if first < last:
                out[channel, first - rows.start : last - rows.start] = values[first - top : last - top, cols]
    reader.finish()
    places = escaped.places()
    channels, row, col = np.unravel_index(places, (len(index), *sides))
    values = escaped.values(tables.bounds[index[channels]])
    inside = (row >= rows.start) & (row < rows.stop) & (col >= cols.start) & (col < cols.stop)
    out[channels[inside], row[inside] - rows.start, col[inside] - cols.start] = values[inside]
    return out
