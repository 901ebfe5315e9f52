"""Quantise latents: of the nearest integers, choose the one of the least rate plus distortion."""

import functools

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.escapes import MAX_MAGNITUDE
from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import TableSet
from aez.codec.threads import each, shares

_TABULATED = 31
"""Magnitudes whose cost is tabulated one by one; larger symbols of the usual tables are rounded."""
_LEAST_WORTH = 1e-6


class Quantiser:
    """Rate–distortion-optimised quantisation (Sullivan and Wiegand, IEEE SPM 1998), symbol by symbol.

    |r| is |v| rounded, or one less if the bits saved are worth more than the error added:
    bits(k) − bits(k − 1) > κ · ((|v| − k + 1)² − (|v| − k)²). Only the encoder needs it: a decoder knows nothing of it.

    Elements of a table below the model's first coded one, which a tile codes only if it says so, are nearly always 0.
    For them 0 is a third candidate, and bits always count in full.
    """

    def __init__(self, first_coded: int, tables: TableSet, curvature: NDArray[np.float32], strength: float) -> None:
        """Set up a picture's rule.

        Args:
            first_coded: lowest table that tiles usually code.
            tables: of r.
            curvature: κ of every channel, (M,) float32: bits that a squared unit of r is worth as distortion.
            strength: weight of the bits, 0 … 1; below 1 for what a single pass cannot foresee, 0 for plain rounding.
        """
        self.first_coded = first_coded
        self.worth = np.maximum(curvature.reshape(-1, 1, 1), np.float32(_LEAST_WORTH))
        self._saved: NDArray[np.float32] | None = None
        if strength > 0:
            # What |v| − k + 1/2 must reach, a column of magnitudes for each table, before division by κ.
            self._saved = (_savings(tables) * np.float32(strength / 2)).reshape(-1)
        self.costs = _magnitude_costs(tables, first_coded)

    def __call__(self, values: NDArray[np.float32], indices: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Quantise.

        Args:
            values: y − μ, (M, h, w).
            indices: tables or ``NOT_CODED``, of the same shape.

        Returns:
            Symbols of the same shape.
        """
        out = np.empty(values.shape, np.int16)

        def one(rows: slice) -> None:
            out[:, rows] = self._quantised(values[:, rows], indices[:, rows])

        each(one, shares(values.shape[1]))
        return out

    def _quantised(self, values: NDArray[np.float32], indices: NDArray[np.uint8]) -> NDArray[np.int16]:
        magnitude = np.abs(values)
        nearest = np.floor(magnitude + np.float32(0.5))
        low = indices < self.first_coded
        if self._saved is not None:
            column = np.minimum(nearest, _TABULATED).astype(np.int32)
            table = np.minimum(indices, len(self._saved) // (_TABULATED + 1) - 1).astype(np.int32)
            saved = self._saved[column + table * (_TABULATED + 1)]
            nearest -= magnitude - nearest + np.float32(0.5) < saved / self.worth
        np.clip(nearest, 0, MAX_MAGNITUDE, out=nearest)
        rare = low & (magnitude > 0.5)
        nearest[low | (indices == NOT_CODED)] = 0
        if rare.any():
            nearest[rare] = self._rare(magnitude, indices, rare)
        return np.copysign(nearest, values, out=nearest).astype(np.int16)

    def _rare(
        self, magnitude: NDArray[np.float32], indices: NDArray[np.uint8], which: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return magnitudes of some elements of low tables, (n,): |v| rounded, one less, or 0."""
        value, table = magnitude[which], indices[which].astype(np.intp)
        worth = np.broadcast_to(self.worth, magnitude.shape)[which]
        nearest = np.minimum(np.floor(value + np.float32(0.5)), self.costs.shape[1] - 1)
        candidates = np.stack([np.zeros_like(nearest), np.maximum(nearest - 1, 0), nearest])
        cost = self.costs[table, candidates.astype(np.intp)] + worth * np.square(value - candidates)
        best: NDArray[np.float32] = np.take_along_axis(candidates, cost.argmin(0)[None], 0)[0]
        return best


@functools.lru_cache(maxsize=4)
def _savings(tables: TableSet) -> NDArray[np.float32]:
    """Tabulate the bits of magnitude k less those of k − 1, (tables, 32); 0 for k = 0 and beyond a table's range."""
    out = np.zeros((len(tables), _TABULATED + 1), dtype=np.float32)
    for row, cost, bound in zip(out, tables.cost_in_bits(), tables.bounds, strict=True):
        last = min(int(bound), _TABULATED - 1)
        row[1 : last + 1] = np.diff(cost[bound : bound + last + 1])
    return out


@functools.lru_cache(maxsize=4)
def _magnitude_costs(tables: TableSet, count: int) -> NDArray[np.float32]:
    """Tabulate the bits of every magnitude in each of the first tables, (count, 2¹²), escapes with their codes."""
    magnitude = np.arange(2**12)
    out = np.empty((count, len(magnitude)), dtype=np.float32)
    for row, cost, bound in zip(out, tables.cost_in_bits(), tables.bounds, strict=False):
        escape = cost[-1] + 2 * np.floor(np.log2(np.maximum(magnitude - bound, 1))) + 2
        row[:] = np.where(magnitude > bound, escape, cost[np.minimum(magnitude, bound) + bound])
    return out
