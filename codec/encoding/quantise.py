"""The encoder's choice of r: of the nearest integers the one that costs least in bits and distortion together."""

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.escapes import MAX_MAGNITUDE
from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import TableSet

_TABULATED = 31
"""Magnitudes whose cost is tabulated one by one; beyond them symbols of the usual tables are rounded."""


class Quantiser:
    """Rate–distortion-optimised quantisation (Sullivan and Wiegand, IEEE SPM 1998), symbol by symbol.

    |r| is |v| rounded, or one less if the bits that this saves are worth more than the error that it adds:
    bits(k) − bits(k − 1) > κ · ((|v| − k + 1)² − (|v| − k)²). It is the encoder's business alone: a decoder needs to
    know nothing of it.

    Elements of a table below the model's first coded one, which a tile codes only if it says so, are nearly always 0.
    For them 0 is a third candidate, and bits always count in full.
    """

    def __init__(self, first_coded: int, tables: TableSet, curvature: Tensor, strength: float) -> None:
        """Set up a picture's rule.

        Args:
            first_coded: lowest table that tiles usually code.
            tables: of r.
            curvature: κ of every channel, (M,) float32: bits that a squared unit of r is worth as distortion.
            strength: what bits count, 0 … 1; below 1 for what a single pass cannot foresee, 0 for plain rounding.
        """
        self.first_coded = first_coded
        self.worth = curvature.reshape(-1, 1, 1).clamp_min(1e-6)
        self._saved: Tensor | None = None
        if strength > 0:
            # |v| − k + 1/2 must reach so much, a column of magnitudes a table, before division by κ.
            self._saved = torch.from_numpy(_savings(tables) * np.float32(strength / 2)).reshape(-1)
        self.costs = torch.from_numpy(_magnitude_costs(tables, first_coded))

    def __call__(self, values: Tensor, indices: Tensor) -> Tensor:
        """Quantise.

        Args:
            values: y − μ, float32, (M, h, w).
            indices: tables or ``NOT_CODED``, uint8, of the same shape.

        Returns:
            int16 of the same shape.
        """
        magnitude = values.abs()
        nearest = (magnitude + 0.5).floor_()
        if self._saved is not None:
            column = nearest.clamp(max=_TABULATED).to(torch.int32)
            table = indices.clamp(max=len(self._saved) // (_TABULATED + 1) - 1).to(torch.int32)
            saved = self._saved[column.add_(table, alpha=_TABULATED + 1)]
            nearest -= (magnitude - nearest + 0.5 < saved.div_(self.worth)).to(torch.float32)
        nearest.clamp_(0, MAX_MAGNITUDE)
        rare = (indices < self.first_coded) & (magnitude > 0.5)
        nearest.masked_fill_((indices < self.first_coded) | (indices == NOT_CODED), 0)
        if bool(rare.any()):
            nearest[rare] = self._rare(magnitude, indices, rare)
        return nearest.copysign_(values).to(torch.int16)

    def _rare(self, magnitude: Tensor, indices: Tensor, which: Tensor) -> Tensor:
        """Magnitudes of some elements of low tables, (n,): |v| rounded, one less, or 0."""
        value, table = magnitude[which], indices[which].long()
        worth = self.worth.expand_as(magnitude)[which]
        nearest = (value + 0.5).floor().clamp(max=self.costs.shape[1] - 1)
        candidates = torch.stack([torch.zeros_like(nearest), (nearest - 1).clamp_min(0), nearest])
        cost = self.costs[table, candidates.long()] + worth * (value - candidates).square()
        return candidates.gather(0, cost.argmin(0, keepdim=True))[0]


@functools.lru_cache(maxsize=4)
def _savings(tables: TableSet) -> NDArray[np.float32]:
    """Bits of magnitude k less those of k − 1, (tables, 32) float32; 0 for k = 0 and beyond a table's range."""
    out = np.zeros((len(tables), _TABULATED + 1), dtype=np.float32)
    for row, cost, bound in zip(out, tables.cost_in_bits(), tables.bounds, strict=True):
        last = min(int(bound), _TABULATED - 1)
        row[1 : last + 1] = np.diff(cost[bound : bound + last + 1])
    return out


@functools.lru_cache(maxsize=4)
def _magnitude_costs(tables: TableSet, count: int) -> NDArray[np.float32]:
    """Bits of every magnitude in each of the first tables, (count, 2¹²) float32, escapes with their codes."""
    magnitude = np.arange(2**12)
    out = np.empty((count, len(magnitude)), dtype=np.float32)
    for row, cost, bound in zip(out, tables.cost_in_bits(), tables.bounds, strict=False):
        escape = cost[-1] + 2 * np.floor(np.log2(np.maximum(magnitude - bound, 1))) + 2
        row[:] = np.where(magnitude > bound, escape, cost[np.minimum(magnitude, bound) + bound])
    return out
