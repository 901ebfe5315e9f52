"""The codes of the members that compress: integers on a grid; every channel has its own probability table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError
from aez.bitstream.sizes import ceil_div
from aez.bitstream.tables import TableSet
from aez.codec.family.members import CodeGrid, find_member
from aez.codec.family.weightfile import FamilyWeights
from aez.codec.model.quality import QualityScale


@dataclass(frozen=True)
class Code:
    """The code of one model, with a factorised entropy model (SPEC section 5.6, layout 1).

    Attributes:
        grid: its grid on a picture.
        tables: the probability tables.
        index: (points, channels) uint8, the table of each channel at each quality point.
    """

    grid: CodeGrid
    tables: TableSet
    index: NDArray[np.uint8]

    @classmethod
    def of(cls, weights: FamilyWeights) -> "Code":
        """Return the code of a model, checked.

        Raises:
            ModelError: it is not a model that compresses, or its tables break a rule.
        """
        grid = find_member(weights.name).grid
        if grid is None:
            raise ModelError(f"{weights.name} is not a model that compresses")
        try:
            counts, lengths, index = (weights.tensors[name] for name in ("counts", "sizes_of_tables", "index"))
        except KeyError as missing:
            raise ModelError(f"the model lacks the tensor {missing}") from None
        try:
            tables = TableSet(counts, lengths, escape=True)
        except (ValueError, TypeError, OverflowError):
            raise ModelError("the model's probability tables are damaged") from None
        if index.dtype != np.uint8 or index.ndim != 2 or index.shape[0] < 2 or not index.shape[1]:
            raise ModelError("the model's table index has the wrong shape")
        if int(index.max()) >= len(tables):
            raise ModelError("the model names a table that it does not have")
        return cls(grid, tables, index)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.index.shape[1]

    @property
    def quality_scale(self) -> QualityScale:
        """The quality scale of the model."""
        return QualityScale(len(self.index))

    def sides(self, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns of the code of a picture."""
        return ceil_div(height, self.grid.stride), ceil_div(width, self.grid.stride)

    def row(self, position: int) -> NDArray[np.uint8]:
        """Return the table of each channel, (C,), at the quality point nearest to a position."""
        found: NDArray[np.uint8] = self.index[self.quality_scale.nearest_point(position)]
        return found

    def indices(self, position: int, sides: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the table of each element, (C, rows, columns), at the quality point nearest to a position."""
        return np.ascontiguousarray(np.broadcast_to(self.row(position)[:, None, None], (self.channels, *sides)))
