"""The encoder's choice of r: rounding with a dead zone that grows where symbols are dear."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.escapes import MAX_MAGNITUDE
from aez.codec.scales import ladder

NEVER = -1e9


@dataclass(frozen=True)
class Quantiser:
    """r = sign(v) · floor(|v| + 1/2 − δ(σ)), and 0 where the index is not coded.

    A symbol further from 0 costs more bits, by about |v| / σ² a unit; δ weighs that against the error it saves. It is
    the encoder's business alone: a decoder needs to know nothing of it.

    Attributes:
        first_coded: lowest coded table.
        dead_zone: δ where σ is small; 0 for plain rounding.
        reach: σ at which δ has fallen to half.
    """

    first_coded: int
    dead_zone: float = 0.12
    reach: float = 0.5

    @cached_property
    def offsets(self) -> NDArray[np.float32]:
        """1/2 − δ of every table, (64,); far below 0 where nothing is coded."""
        offsets = [0.5 - self.dead_zone / (1 + (sigma / self.reach) ** 2) for sigma in ladder()]
        offsets[: self.first_coded] = [NEVER] * self.first_coded
        return np.array(offsets, dtype=np.float32)

    def __call__(self, values: Tensor, indices: Tensor) -> Tensor:
        """Quantise.

        Args:
            values: y − μ, float32.
            indices: tables, uint8, of the same shape.

        Returns:
            int16 of the same shape.
        """
        magnitude = torch.from_numpy(np.take(self.offsets, indices.numpy()))
        magnitude.add_(values.abs()).floor_().clamp_(0, MAX_MAGNITUDE)
        return magnitude.copysign_(values).to(torch.int16)
