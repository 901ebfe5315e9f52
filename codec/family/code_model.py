"""Members of the family whose code is written to files: integers on a grid, each channel with a table of its own."""

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
        STRIDE: pixels a side that a position of the code stands for.
        HALO: positions around a window that its code and its pixels depend on.
        points: quality points, the first the smallest files.
        channels: of the code.
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
        """Pictures (N, 3, h·STRIDE, w·STRIDE), RGB / 255 − 1/2, at points (N,) to whole numbers (N, C, h, w)."""

    @abstractmethod
    def decode_code(self, code: Tensor, position: Tensor) -> Tensor:
        """Inverse of :meth:`encode_code` as far as there is one; the samples are not clipped."""

    def set_tables(self, tables: list[NDArray[np.int64]]) -> None:
        """Register the list of tables, and an index of channels into it that :meth:`finish` fills."""
        device = torch.device("cpu")  # also while the rest is built without memory
        self.register_buffer("counts", torch.from_numpy(np.concatenate(tables).astype(np.int32)).to(device))
        self.register_buffer(
            "sizes_of_tables", torch.tensor([len(t) for t in tables], dtype=torch.int32, device=device)
        )
        self.register_buffer("index", torch.zeros(self.points, self.channels, dtype=torch.uint8, device=device))

    def table_set(self) -> TableSet:
        """The tables, checked.

        Raises:
            ModelError: they break a rule.
        """
        tables = TableSet(self.counts.cpu().numpy(), self.sizes_of_tables.cpu().numpy(), escape=True)
        if self.index.dtype != torch.uint8 or int(self.index.max()) >= len(tables):
            raise ModelError("the model names a table that it does not have")
        return tables

    def table_index(self, position: int) -> NDArray[np.uint8]:
        """(C,) uint8: the table of each channel, from the quality point nearest to a file's position."""
        row = min((position + POSITION_SCALE // 2) // POSITION_SCALE, self.points - 1)
        rows: NDArray[np.uint8] = self.index[row].cpu().numpy()
        return rows
