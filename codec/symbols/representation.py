"""What a picture is to the codec: its latents, before and after rounding, and what they cost."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aez.codec.geometry.grid import CELL


@dataclass(frozen=True, eq=False)
class Latents:
    """A picture in the codec's terms. To edit it, replace ``y_hat`` (:func:`dataclasses.replace`).

    M channels of y stand for regions of 16×16 pixels, h = ceil(height/16) rows and w = ceil(width/16) columns of them;
    Z channels of z for cells of 4×4 regions. Arrays are of the picture as stored, before it is turned for display.

    Attributes:
        y: (M, h, w) float32, what the analysis gives, gains included: units of the quantiser's step.
        y_hat: (M, h, w) float32, what a decoder has: r plus the mean that it predicts. The picture is made from it.
        z_hat: (Z, ceil(h/4), ceil(w/4)) int16.
        r: (M, h, w) int16, the symbols of y.
        indices: (M, h, w) uint8, the table of each: rungs of the ladder of σ from 0.11 to 256; ``NOT_CODED`` where the
            file says nothing of an element.
        bits: (M, h, w) float32, what each element of r costs.
        hyper_bits: (Z, ceil(h/4), ceil(w/4)) float32, what each element of z costs.
        position: quality position, quality point × 256.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        colour: of the picture, as :class:`aez.bitstream.Header` names it.
        orientation: how to turn it for display, as EXIF's tag 274.
        alpha: (height, width) uint8, or None; the codec's symbols say nothing of it.
        pixel_filter: weights of the filter over the decoded picture (:mod:`aez.codec.model.filter_weights`), or None.
    """

    y: NDArray[np.float32]
    y_hat: NDArray[np.float32]
    z_hat: NDArray[np.int16]
    r: NDArray[np.int16]
    indices: NDArray[np.uint8]
    bits: NDArray[np.float32]
    hyper_bits: NDArray[np.float32]
    position: int
    height: int
    width: int
    colour: str = "RGB"
    orientation: int = 1
    alpha: NDArray[np.uint8] | None = None
    pixel_filter: NDArray[np.float32] | None = None

    @property
    def grey(self) -> bool:
        """Whether the picture is coded as a grey one."""
        return self.colour != "RGB"

    @cached_property
    def rate_map(self) -> NDArray[np.float64]:
        """(h, w): bits spent on every region, z's spread over the regions of its cells."""
        return region_bits(self.bits.sum(0, np.float64), self.hyper_bits.sum(0, np.float64))

    @cached_property
    def anomaly(self) -> NDArray[np.float64]:
        """(h, w): how far the bits spent on a region are above the picture's median; see :func:`anomaly_of`."""
        return anomaly_of(self.rate_map)


def region_bits(spent: NDArray[np.float64], hyper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bits a region from those of r, (h, w), and of z, (ceil(h/4), ceil(w/4)); the sum stays what it is."""
    rows, cols = spent.shape
    whole = np.repeat(np.repeat(hyper, CELL, 0), CELL, 1)[:rows, :cols]
    # Cells at the picture's end have fewer regions.
    counts = np.minimum(CELL, rows - CELL * np.arange(len(hyper)))[:, None] * np.minimum(
        CELL, cols - CELL * np.arange(hyper.shape[1])
    )
    out: NDArray[np.float64] = spent + whole / np.repeat(np.repeat(counts, CELL, 0), CELL, 1)[:rows, :cols]
    return out


def anomaly_of(bits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The modified z-score of bits a region (Iglewicz and Hoaglin, 1993): 0.6745 · (x − median) / MAD.

    MAD is the median absolute deviation; where more than half of the regions cost the same, it is
    0.7979 · (x − median) / mean absolute deviation instead, and 0 if that vanishes too. Of normally distributed costs
    both are in standard deviations; by their authors' rule, 3.5 and more stands out.
    """
    away = bits - np.median(bits)
    spread = float(np.median(np.abs(away))) / 0.6745
    if spread == 0:
        spread = float(np.abs(away).mean()) / 0.7979
    score: NDArray[np.float64] = away / spread if spread > 0 else np.zeros_like(bits)
    return score
