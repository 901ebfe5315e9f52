"""Merge near-equal colours of graphics, so that fewer are left: the lossy side of a layer."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aez.codec.layer.content import BAND_PIXELS, packed

MOST_COLOURS = 4096
"""Pixels of more colours than these are no graphic whose colours are worth merging."""
_AREA = 0.001
"""Share of the pixels from which on a colour is that of an area."""
TOLERANCES = (4, 8, 16, 32)
"""Largest change of a sample, in levels, that is tried at growing loss."""
Samples = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Palette:
    """The colours of covered pixels, the most frequent one first.

    Attributes:
        keys: (n,), the number of each colour, see :func:`~aez.codec.layer.content.packed`.
        counts: (n,), pixels of each colour.
    """

    keys: NDArray[np.unsignedinteger[Any]]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, samples: Samples, cover: NDArray[np.bool_]) -> "Palette | None":
        """Count the colours of covered pixels, some at least; None if they are too many.

        Args:
            samples: (H, W, 3) or (H, W) uint8.
            cover: (H, W).
        """
        found: dict[int, int] = {}
        for band in _bands(cover):
            keys, counts = np.unique(packed(samples[band])[cover[band]], return_counts=True)
            for key, count in zip(keys[: MOST_COLOURS + 1].tolist(), counts.tolist(), strict=False):
                found[key] = found.get(key, 0) + count
            if len(found) > MOST_COLOURS:
                return None
        order = sorted(found, key=lambda key: (-found[key], key))
        return cls(np.array(order, np.uint32), np.array([found[key] for key in order]))

    @cached_property
    def colours(self) -> Samples:
        """(n, 3) uint8; of grey pictures the first column counts."""
        shifted = self.keys[:, None] >> np.array([0, 8, 16], np.uint32)
        return (shifted & np.uint32(255)).astype(np.uint8)

    def applied(self, samples: Samples, cover: NDArray[np.bool_], merged: Samples) -> Samples:
        """Return samples, (H, W, 3) or (H, W), whose covered pixels have the ``merged`` colours, (n, 3)."""
        out, order = samples.copy(), np.argsort(self.keys)
        colours = merged if samples.ndim == 3 else merged[:, 0]
        for band in _bands(cover):
            seen = packed(samples[band])[cover[band]]
            out[band][cover[band]] = colours[order[np.searchsorted(self.keys[order], seen)]]
        return out

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

    def loss(self, merged: Samples, channels: int) -> float:
        """Return the squared error of merged colours, summed over the samples / 255 of 1 or 3 channels."""
        error = np.square((self.colours.astype(np.float64) - merged) / 255)[:, :channels].sum(1)
        return float((error * self.counts).sum())


def _bands(cover: NDArray[np.bool_]) -> Iterator[slice]:
    """Divide the rows of a picture into bands, so that memory is bounded."""
    step = max(1, BAND_PIXELS // cover.shape[1])
    for top in range(0, len(cover), step):
        yield slice(top, top + step)
