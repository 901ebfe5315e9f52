"""Neighbours of pixels, and the diagonal waves in which pixels are coded."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

LAG = 2
"""Columns by which a row is behind the one above it, so that no pixel of a wave is a neighbour of another."""
MARGIN = 5
"""Rows above and columns beside a picture, all 0, in which neighbours may lie."""
NEAR = ((0, -1), (-1, 0), (-1, 1), (-1, -1))
"""Rows and columns from a pixel to its neighbours: left, above, above to the right, above to the left."""
MIDDLE = (*NEAR, (0, -2), (-1, -2), (-2, 0))
FAR = (*MIDDLE, (0, -3), (0, -4), (-1, -3), (-2, -2), (-2, -1), (-2, 1), (-2, 2), (-3, -1), (-3, 0), (-3, 1))
TEMPLATES = (FAR, MIDDLE, NEAR)
HASH_BITS = 18
_FACTOR = 0x9E3779B1


class Plane:
    """Values of pixels, 0 where there is none yet.

    Attributes:
        values: (MARGIN + height) · (width + 2 · MARGIN) uint32, in raster order.
    """

    def __init__(self, height: int, width: int) -> None:
        """Make an empty plane."""
        self._height, self._width = height, width
        self._stride = width + 2 * MARGIN
        self.values = np.zeros((height + MARGIN) * self._stride, np.uint32)
        self._offsets = np.array([row * self._stride + col for row, col in FAR])[:, None]
        powers = np.cumprod(np.full(len(FAR), _FACTOR, np.uint32), dtype=np.uint32)
        self._factors = np.array([powers * (np.arange(len(FAR)) < len(template)) for template in TEMPLATES], np.uint32)

    @property
    def inside(self) -> NDArray[np.uint32]:
        """The pixels, (height, width), a view."""
        return self.values.reshape(-1, self._stride)[MARGIN:, MARGIN : MARGIN + self._width]

    def waves(self) -> Iterator[NDArray[np.intp]]:
        """Yield the places in ``values`` of every wave's pixels, the upper ones first."""
        for step in range(self._width + LAG * (self._height - 1)):
            top, bottom = max(0, -(-(step - self._width + 1) // LAG)), min(self._height - 1, step // LAG)
            if top <= bottom:
                rows = np.arange(top, bottom + 1)
                yield (rows + MARGIN) * self._stride + MARGIN + step - LAG * rows

    def neighbours(self, places: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the values of ``NEAR``, (4, n), and the hashes of ``TEMPLATES``, (3, n), of n pixels."""
        values = self.values[places + self._offsets]
        hashes = (self._factors @ values) >> np.uint32(32 - HASH_BITS)
        return values[: len(NEAR)].astype(np.intp), hashes.astype(np.intp)
