"""Merge near-equal colours of graphics, so that fewer are left: the lossy side of a layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_COLOURS = 4096
"""Pixels of more colours than these are no graphic whose colours are worth merging."""
_AREA = 0.001
"""Share of the pixels from which on a colour is that of an area."""
TOLERANCES = (4, 8, 16, 32)
"""Largest change of a sample, in levels, that is tried at growing loss."""
Samples = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Palette:
    """The colours of pixels.

    Attributes:
        colours: (n, C) uint8, the most frequent one first.
        counts: (n,), pixels of each colour.
        numbers: (pixels,), the number of the colour of each pixel.
    """

    colours: Samples
    counts: NDArray[np.int64]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, pixels: Samples) -> "Palette | None":
        """Count the colours of pixels, (n, C) uint8; None if they are too many."""
        weights = np.uint32(1) << (8 * np.arange(pixels.shape[1], dtype=np.uint32))
        keys = (pixels.astype(np.uint32) * weights).sum(1, dtype=np.uint32)
        found, first, numbers, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        if len(found) > MOST_COLOURS:
            return None
        order = np.argsort(-counts, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return cls(pixels[first[order]], counts[order], place[numbers.reshape(-1)])

    def merged(self, tolerance: int) -> Samples:
        """Return a colour in place of each: the most frequent one whose samples differ by ``tolerance`` at most.

        Colours of areas stay as they are, also beside one that is nearly equal, as a box on a page.
        """
        areas = self.counts >= _AREA * self.counts.sum()
        colours = self.colours.astype(np.int16)
        out = self.colours.copy()
        left = np.ones(len(colours), np.bool_)
        for number in range(len(colours)):
            if not left[number]:
                continue
            near = left & ~areas & (np.abs(colours - colours[number]).max(1) <= tolerance)
            near[number] = True
            out[near] = self.colours[number]
            left &= ~near
        return out

    def loss(self, merged: Samples) -> float:
        """Return the squared error of merged colours, summed over all samples / 255."""
        error = np.square((self.colours.astype(np.float64) - merged) / 255).sum(1)
        return float((error * self.counts).sum())
