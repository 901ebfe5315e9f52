"""The integers that a file holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Symbols:
    """The symbols of a picture, or of a band of it.

    Attributes:
        z: (Z, ceil(H/64), ceil(W/64)) int16.
        indices: (M, ceil(H/16), ceil(W/16)) uint8, the table of each element of r, or ``NOT_CODED``.
        r: (M, ceil(H/16), ceil(W/16)) int16.
    """

    z: NDArray[np.int16]
    indices: NDArray[np.uint8]
    r: NDArray[np.int16]

    @classmethod
    def joined(cls, bands: "Sequence[Symbols]") -> "Symbols":
        """Put bands one below the other."""
        return cls(*(np.concatenate([getattr(band, name) for band in bands], 1) for name in ("z", "indices", "r")))
