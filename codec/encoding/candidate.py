"""Symbols on their way: latents, what they were quantised to, and what that decodes to."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.costs import residual_bits
from aez.codec.encoding.filter_fit import FilterFit
from aez.codec.encoding.quantising import quantised
from aez.codec.encoding.setting import Setting
from aez.codec.picture.depth import Samples
from aez.codec.runtime.means import Means
from aez.codec.runtime.networks import Floats


@dataclass(frozen=True, eq=False)
class Candidate:
    """A picture, or a band of it, with one choice of symbols.

    Attributes:
        pixels: (H, W, C) of any depth; H ≤ 16·h, W ≤ 16·w.
        y: (M, h, w) float32, the latents that are quantised.
        means: of the z that will be coded.
        indices: (M, h, w) uint8, tables of r, or ``NOT_CODED``.
        r: (M, h, w) int16, chosen for this y.
    """

    pixels: Samples
    y: Floats
    means: Means
    indices: NDArray[np.uint8]
    r: NDArray[np.int16]

    def cost(self, setting: Setting, error: float) -> float:
        """Return the rate of r plus the worth of a squared error, in bits.

        Args:
            setting: the model at the picture's quality.
            error: squared error, summed over all samples / 255.
        """
        weight = setting.point.distortion_weight / self.pixels.shape[2]
        bits = residual_bits(self.r, self.indices, setting.point.weights.residual_tables)
        return weight * error + float(bits.sum(dtype=np.float64))

    def moved(self, setting: Setting, y: Floats) -> "Candidate":
        """Return the candidate of other latents."""
        return replace(self, y=y, r=quantised(setting, y, self.means, self.indices))


@dataclass(frozen=True, eq=False)
class Measured:
    """A candidate and what it decodes to.

    Attributes:
        candidate: the symbols.
        error: squared error of the decoded picture, summed over all samples / 255.
        fit: the picture filter fitted to it; None if there is none.
        target: (M, h, w) float32, where the search moves the latents next; None if it was not asked for.
    """

    candidate: Candidate
    error: float
    fit: FilterFit | None
    target: Floats | None = None
