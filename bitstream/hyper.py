"""Entropy coding of the hyper-latents z, with a table per channel and a context of neighbours (SPEC section 7.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.runs import RunReader, RunWriter, coding_pieces, run_lengths
from aez.bitstream.tables import TableSet

PHASES = 3
"""Tables per level: for values expected at 0, at 1/4 and at 1/2."""
_FRACTION_BITS = 8
_COMMON = 12
"""A multiple of every possible number of neighbours, so that 12 times their mean is an integer."""
_DIAGONAL = ((-1, -1), (-1, 1), (1, -1), (1, 1))
_DIRECT = ((-1, 0), (1, 0), (0, -1), (0, 1))
_NEIGHBOURS = (_DIAGONAL, _DIRECT)


@dataclass(frozen=True)
class HyperContext:
    """Context model of the three quarters of z that are coded after the first one.

    The first step codes the cells of even row and even column. The second step codes the cells of odd row and odd
    column from their diagonal neighbours. The third step codes all other cells from their direct neighbours.

    Attributes:
        weights: (2, Z) int32, per step and channel: change of the expected value per unit of 12 times the neighbours'
            mean, in quarters / 256.
        levels: (2, Z) int32, level of each step and channel.
        tables: tables without escape, ``PHASES`` for each level: all levels at 0, then all at 1/4, then all at 1/2.
    """

    weights: NDArray[np.int32]
    levels: NDArray[np.int32]
    tables: TableSet

    def reach(self, bounds: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return (2, Z): the largest distance of a table's value from 0 if no |z| is above ``bounds``, (Z,)."""
        most = (np.abs(self.weights.astype(np.int64)) * _COMMON * bounds + (1 << _FRACTION_BITS)) >> _FRACTION_BITS
        return bounds + (most >> 2) + 1

    def expected(self, z: NDArray[np.int32], step: int, cells: NDArray[np.bool_]) -> "Expected":
        """Predict the values of the cells of step 1 or 2 from their neighbours; arguments as for :func:`neighbours`."""
        # At most 2**15 * 12 * 2**12, since tables of z have at most 2**13 entries: 32 bits are enough.
        quarters = neighbours(z, step, cells)
        quarters *= self.weights[step - 1][:, None]
        quarters += 1 << (_FRACTION_BITS - 1)
        quarters >>= _FRACTION_BITS
        whole = (quarters + 2) >> 2
        phase = np.subtract(quarters, 4 * whole, out=quarters)
        table = self.levels[step - 1][:, None].astype(np.uint8) + (
            np.abs(phase).astype(np.uint8) * np.uint8(len(self.tables) // PHASES)
        )
        return Expected(whole, phase < 0, table, self.tables)


def steps(rows: int, cols: int) -> list[NDArray[np.bool_]]:
    """Return masks of the cells of each step, (rows, cols)."""
    row, col = np.arange(rows)[:, None] % 2, np.arange(cols)[None] % 2
    return [(row == 0) & (col == 0), (row == 1) & (col == 1), row != col]


def neighbours(z: NDArray[np.int32], step: int, cells: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return 12 times the mean of the neighbours inside the grid, (Z, cells).

    Args:
        z: (Z, rows, columns).
        step: 1 for the diagonal neighbours, 2 for the direct ones.
        cells: (rows, columns), mask of the cells of that step.
    """
    rows, cols = cells.shape
    total = np.zeros((len(z), int(cells.sum())), np.int32)
    count = np.zeros(total.shape[1], np.int32)
    around, there = np.pad(z, ((0, 0), (1, 1), (1, 1))), np.pad(np.ones_like(cells, np.int32), 1)
    for i, j in _NEIGHBOURS[step - 1]:
        down, across = slice(1 + i, 1 + i + rows), slice(1 + j, 1 + j + cols)
        total += around[:, down, across][:, cells]
        count += there[down, across][cells]
    total *= _COMMON // count
    return total


@dataclass(frozen=True)
class Expected:
    """Prediction of some cells; all arrays are (Z, cells).

    A symbol is z − ``whole``, or the negative of that where ``turned``; its table is ``table``.
    """

    whole: NDArray[np.int32]
    turned: NDArray[np.bool_]
    table: NDArray[np.uint8]
    tables: TableSet

    def away(self, z: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the coded differences of values from their prediction."""
        return np.where(self.turned, self.whole - z, z - self.whole)

    def symbols(self, z: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the numbers of table entries of values.

        Raises:
            ValueError: a value is outside its table.
        """
        bound, values = self.tables.bounds[self.table], self.away(z)
        if (np.abs(values) > bound).any():
            raise ValueError("a hyper-latent lies outside its table")
        return values + bound

    def values(self, symbols: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the values of symbols; inverse of :meth:`symbols`."""
        values = symbols - self.tables.bounds[self.table]
        np.negative(values, out=values, where=self.turned)
        values += self.whole
        return values


@dataclass(frozen=True)
class HyperCoder:
    """Entropy coder of the hyper-latents z for one model, quality and kind of picture.

    Attributes:
        tables: tables without escape.
        indices: (Z,) uint8, table of each channel.
        means: (Z,) int16, centre of each channel's table.
        context: context model; None if ``indices`` gives the tables of all of z.
    """

    tables: TableSet
    indices: NDArray[np.uint8]
    means: NDArray[np.int16]
    context: HyperContext | None = None

    def encode(self, z: NDArray[np.int16]) -> bytes:
        """Encode z, (Z, rows, columns); each channel must be within the bounds of its table around its centre.

        Raises:
            ValueError: a value is outside its table.
        """
        centred, writer = self._centred(z), RunWriter()
        for cells, expected in self._steps(centred):
            symbols = expected.symbols(centred[:, cells]).ravel()
            for order, counts in coding_pieces(expected.table.ravel()):
                writer.add(symbols[order], counts, expected.tables)
        return writer.stream()

    def decode(self, data: bytes, shape: tuple[int, int]) -> NDArray[np.int16]:
        """Decode a stream; inverse of :meth:`encode`. ``shape`` is (rows, columns).

        Raises:
            FormatError: the data cannot have been written by an encoder.
        """
        reader = RunReader(data)
        # The cells of the first step, before memory is taken for all.
        rows, cols = shape if self.context is None else (-(-shape[0] // 2), -(-shape[1] // 2))
        reader.require(run_lengths(self.indices) * (rows * cols), self.tables)
        centred = np.zeros((len(self.indices), *shape), np.int32)
        for cells, expected in self._steps(centred):
            table = expected.table.ravel()
            reader.require(run_lengths(table), expected.tables)
            symbols = np.empty(table.size, np.int32)
            for order, counts in coding_pieces(table):
                symbols[order] = reader.read(counts, expected.tables)
            centred[:, cells] = expected.values(symbols.reshape(expected.table.shape))
        reader.finish()
        if (np.abs(centred) > self.tables.bounds[self.indices][:, None, None]).any():
            raise FormatError("a hyper-latent lies outside what its table holds")
        return (centred + self.means[:, None, None]).astype(np.int16)

    def bits(self, z: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the bits of every element of z, (Z, rows, columns); the coder adds at most a few bytes.

        Raises:
            ValueError: a value is outside its table.
        """
        centred, out = self._centred(z), np.empty(z.shape, np.float32)
        for cells, expected in self._steps(centred):
            costs = expected.tables.cost_in_bits()
            start = np.cumsum([0, *map(len, costs)])
            out[:, cells] = np.concatenate(costs)[start[expected.table] + expected.symbols(centred[:, cells])]
        return out

    def _centred(self, z: NDArray[np.int16]) -> NDArray[np.int32]:
        centred = z.astype(np.int32) - self.means[:, None, None]
        if (np.abs(centred) > self.tables.bounds[self.indices][:, None, None]).any():
            raise ValueError("a hyper-latent lies outside its table")
        return centred

    def _steps(self, z: NDArray[np.int32]) -> Iterator[tuple[NDArray[np.bool_], Expected]]:
        """Yield the cells of each step and their prediction from the cells of ``z`` in earlier steps."""
        if self.context is None:
            yield np.ones(z.shape[1:], bool), self._alone(z[0].size)
            return
        for step, cells in enumerate(steps(*z.shape[1:])):
            yield cells, self.context.expected(z, step, cells) if step else self._alone(int(cells.sum()))

    def _alone(self, cells: int) -> Expected:
        """Return the prediction of cells without neighbours."""
        table = np.repeat(self.indices[:, None], cells, 1)
        none = np.broadcast_to(np.int32(0), table.shape), np.broadcast_to(np.False_, table.shape)
        return Expected(*none, table, self.tables)
