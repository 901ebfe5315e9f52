"""Symbols that an encoder is choosing, and what it chooses them for."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.costs import residual_bits
from aez.codec.encoding.quantise import Quantiser
from aez.codec.networks.quality import lambda_of
from aez.codec.runtime.context import Contexts
from aez.codec.runtime.engine import Engine


@dataclass(frozen=True)
class Choice:
    """A picture or a band of it on the way to its symbols.

    Attributes:
        pixels: (H, W, C) uint8; H ≤ 16·h, W ≤ 16·w.
        y: (M, h, w) float32, the latents that are quantised.
        z: (Z, ceil(h/4), ceil(w/4)) int16.
        indices: (M, h, w) uint8, tables of r, or ``NOT_CODED``.
        r: (M, h, w) int16, chosen for this y.
        position: quality position.
        known: contexts of this z that were computed before, added to; None to keep none.
    """

    pixels: NDArray[np.uint8]
    y: Tensor
    z: NDArray[np.int16]
    indices: NDArray[np.uint8]
    r: NDArray[np.int16]
    position: int
    known: Contexts | None = None

    def cost(self, engine: Engine, error: float) -> float:
        """Bits of r and worth of a squared error, which is summed over all samples in units of 1."""
        weights = engine.weights
        worth = float(lambda_of(engine.position_tensor(self.position), weights.config.points)) / self.pixels.shape[2]
        return worth * error + float(residual_bits(self.r, self.indices, weights.residual_tables).sum(dtype=np.float64))

    def moved(self, engine: Engine, y: Tensor, quantiser: Quantiser) -> "Choice":
        """The same with other latents and the symbols that they get."""
        return replace(self, y=y, r=engine.quantise(y, self.z, self.indices, quantiser, self.known)[0])
