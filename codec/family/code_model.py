"""Base class of the networks of members that compress; :mod:`aez.codec.family.code` describes their code."""

from abc import abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.family.base import FamilyModel


class CodeModel(FamilyModel):
    """An autoencoder with an integer code and a factorised entropy model (SPEC section 5.6, layout 1).

    Attributes:
        points: number of quality points; the first one gives the smallest files.
        channels: number of channels of the code.
    """

    points: int
    channels: int
    counts: Tensor
    sizes_of_tables: Tensor
    index: Tensor

    @abstractmethod
    def encode_code(self, x: Tensor, position: Tensor) -> Tensor:
        """Encode pictures at quality points (N,) as integers (N, C, h, w).

        Pictures are (N, 3, h·S, w·S), RGB / 255 − 1/2; S is the stride of the member's grid.
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
