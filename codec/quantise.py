"""The encoder's choice of r: of the two nearest integers the one that costs less in bits and distortion together."""

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.escapes import MAX_MAGNITUDE
from aez.bitstream.tables import TableSet

_TABULATED = 31
"""Magnitudes whose cost is tabulated; beyond it symbols are rounded."""


class Quantiser:
    """Rate–distortion-optimised quantisation (Sullivan and Wiegand, IEEE SPM 1998), symbol by symbol.

    |r| is |v| rounded, or one less if the bits that this saves are worth more than the error that it adds:
    bits(k) − bits(k − 1) > κ · ((|v| − k + 1)² − (|v| − k)²). It is the encoder's business alone: a decoder needs to
    know nothing of it.
    """

    def __init__(
        self, first_coded: int, tables: TableSet | None = None, curvature: Tensor | None = None, strength: float = 1.0
    ) -> None:
        """Set up a picture's rule; without tables and curvature it is plain rounding.

        Args:
            first_coded: lowest coded table; r is 0 below it.
            tables: of r.
            curvature: κ of every channel, (M,) float32: bits that a squared unit of r is worth as distortion.
            strength: what bits count, 0 … 1; below 1 for what a single pass cannot foresee.
        """
        self.first_coded = first_coded
        self._saved: Tensor | None = None
        if tables is not None and curvature is not None and strength > 0:
            # |v| − k + 1/2 must reach so much, a column of magnitudes a table, before division by κ.
            self._saved = torch.from_numpy(_savings(tables) * np.float32(strength / 2)).reshape(-1)
            self._worth = curvature.reshape(-1, 1, 1).clamp_min(1e-6)

    def __call__(self, values: Tensor, indices: Tensor) -> Tensor:
        """Quantise.

        Args:
            values: y − μ, float32, (M, h, w).
            indices: tables, uint8, of the same shape.

        Returns:
            int16 of the same shape.
        """
        magnitude = values.abs()
        nearest = (magnitude + 0.5).floor_()
        if self._saved is not None:
            column = nearest.clamp(max=_TABULATED).to(torch.int32)
            saved = self._saved[column.add_(indices.to(torch.int32), alpha=_TABULATED + 1)]
            nearest -= (magnitude - nearest + 0.5 < saved.div_(self._worth)).to(torch.float32)
        nearest.clamp_(0, MAX_MAGNITUDE).masked_fill_(indices < self.first_coded, 0)
        return nearest.copysign_(values).to(torch.int16)


@functools.lru_cache(maxsize=4)
def _savings(tables: TableSet) -> NDArray[np.float32]:
    """Bits of magnitude k less those of k − 1, (tables, 32) float32; 0 for k = 0 and beyond a table's range."""
    out = np.zeros((len(tables), _TABULATED + 1), dtype=np.float32)
    for row, cost, bound in zip(out, tables.cost_in_bits(), tables.bounds, strict=True):
        last = min(int(bound), _TABULATED - 1)
        row[1 : last + 1] = np.diff(cost[bound : bound + last + 1])
    return out
