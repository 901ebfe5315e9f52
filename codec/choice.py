"""Symbols that an encoder is choosing, and what it chooses them for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from aez.codec.engine import Contexts


@dataclass(frozen=True)
class Choice:
    """A picture or a band of it on the way to its symbols.

    Attributes:
        pixels: (H, W, C) uint8; H ≤ 16·h, W ≤ 16·w.
        y: (M, h, w) float32, the latents that are quantised.
        z: (Z, ceil(h/4), ceil(w/4)) int16.
        indices: (M, h, w) uint8, tables of r.
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
    known: "Contexts | None" = None
