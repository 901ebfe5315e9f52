"""Members of the family that compress.

Their code consists of integers on a grid; every channel has its own probability table.
"""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.errors import ModelError
from aez.bitstream.tables import TableSet
from aez.codec.family.base import FamilyModel
from aez.codec.model.quality import POSITION_SCALE


class CodeModel(FamilyModel):
    """An autoencoder with an integer code and a factorised entropy model (SPEC section 5.6, layout 1).

    Attributes:
        STRIDE: side, in pixels, of the area that a position of the code represents.
        HALO: positions around a window on which its code and its pixels depend.
        points: number of quality points; the first one gives the smallest files.
        channels: number of channels of the code.
    """

    STRIDE: ClassVar[int]
    HALO: ClassVar[int]
    points: int
    channels: int
    counts: Tensor
    sizes_of_tables: Tensor
    index: Tensor

    @abstractmethod
    def encode_code(self, x: Tensor, position: Tensor) -> Tensor:
        """Encode pictures at quality points (N,) as integers (N, C, h, w).

        Pictures are (N, 3, h·STRIDE, w·STRIDE), RGB / 255 − 1/2.
        """

    @abstractmethod
    def decode_code(self, code: Tensor, position: Tensor) -> Tensor:
        """Decode a code to pictures; the samples are not clipped."""

    def set_tables(self, tables: list[NDArray[np.int64]]) -> None:
        """Register the tables, and the index from channels to tables, which :meth:`finish` fills."""
        device = torch.device("cpu")  # also while all other parameters are on the meta device
        self.register_buffer("counts", torch.from_numpy(np.concatenate(tables).astype(np.int32)).to(device))
        self.register_buffer(
            "sizes_of_tables", torch.tensor([len(t) for t in tables], dtype=torch.int32, device=device)
        )
        self.register_buffer("index", torch.zeros(self.points, self.channels, dtype=torch.uint8, device=device))

    def table_set(self) -> TableSet:
        """Return the tables after checking them.

        Raises:
            ModelError: the tables break a rule.
        """
        tables = TableSet(self.counts.cpu().numpy(), self.sizes_of_tables.cpu().numpy(), escape=True)
        if self.index.dtype != torch.uint8 or int(self.index.max()) >= len(tables):
            raise ModelError("the model names a table that it does not have")
        return tables

    def table_index(self, position: int) -> NDArray[np.uint8]:
        """Return (C,) uint8: the table of each channel at the quality point nearest to a file's position."""
        row = min((position + POSITION_SCALE // 2) // POSITION_SCALE, self.points - 1)
        rows: NDArray[np.uint8] = self.index[row].cpu().numpy()
        return rows
