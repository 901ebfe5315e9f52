"""The latents of a picture, before and after rounding, and their cost in bits."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aez.codec.geometry.grid import CELL


@dataclass(frozen=True, eq=False)
class Latents:
    """The latents of a picture. To edit the picture, replace ``y_hat`` (:func:`dataclasses.replace`).

    A latent, with M channels in y, describes a region of 16×16 pixels; there are h = ceil(height/16) rows and
    w = ceil(width/16) columns of regions. A hyper-latent, with Z channels in z, describes a cell of 4×4 regions. Arrays
    describe the picture as stored, before it is turned for display.

    Attributes:
        y: (M, h, w) float32, output of the analysis with gains, in units of the quantiser's step.
        y_hat: (M, h, w) float32, latents of the decoder: r plus the predicted mean. The picture is synthesised from
            them.
        z_hat: (Z, ceil(h/4), ceil(w/4)) int16, rounded hyper-latents.
        r: (M, h, w) int16, symbols of y.
        indices: (M, h, w) uint8, table of each symbol: a step of the ladder of σ from 0.11 to 256; ``NOT_CODED`` for
            elements that the file does not code.
        bits: (M, h, w) float32, cost of each element of r in bits.
        hyper_bits: (Z, ceil(h/4), ceil(w/4)) float32, cost of each element of z in bits.
        position: quality position, quality point × 256.
        height: height of the picture in pixels.
        width: width of the picture in pixels.
        colour: colour of the picture, as in :class:`aez.bitstream.Header`.
        orientation: value of EXIF tag 274, which says how to turn the picture for display.
        alpha: (height, width) uint8, or None; it is not part of the latents.
        pixel_filter: weights of the filter over the decoded picture (:mod:`aez.codec.model.filter_weights`), or None.
        depth: bits per sample of the picture, 8, 10, 12 or 16.
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
    depth: int = 8

    @property
    def grey(self) -> bool:
        """True if the picture is coded as grey."""
        return self.colour != "RGB"

    @cached_property
    def rate_map(self) -> NDArray[np.float64]:
        """Bits spent on each region, (h, w); those of z are spread evenly over the regions of a cell."""
        return region_bits(self.bits.sum(0, np.float64), self.hyper_bits.sum(0, np.float64))

    @cached_property
    def anomaly(self) -> NDArray[np.float64]:
        """Excess of the bits spent on each region over the picture's median, (h, w); see :func:`anomaly_of`."""
        return anomaly_of(self.rate_map)


def region_bits(spent: NDArray[np.float64], hyper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the bits per region from those of r, (h, w), and z, (ceil(h/4), ceil(w/4)); the total is preserved."""
    rows, cols = spent.shape
    whole = np.repeat(np.repeat(hyper, CELL, 0), CELL, 1)[:rows, :cols]
    # Cells at the bottom and right edges of the picture have fewer regions.
    counts = np.minimum(CELL, rows - CELL * np.arange(len(hyper)))[:, None] * np.minimum(
        CELL, cols - CELL * np.arange(hyper.shape[1])
    )
    out: NDArray[np.float64] = spent + whole / np.repeat(np.repeat(counts, CELL, 0), CELL, 1)[:rows, :cols]
    return out


def anomaly_of(bits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the modified z-score of the bits per region (Iglewicz and Hoaglin, 1993): 0.6745 · (x − median) / MAD.

    MAD is the median absolute deviation. If it is 0, because more than half of the regions cost the same, the score is
    0.7979 · (x − median) / mean absolute deviation; if that deviation is 0, too, the score is 0. For normally
    distributed costs, both scores are in standard deviations. By the authors' rule, 3.5 or more marks an outlier.
    """
    away = bits - np.median(bits)
    spread = float(np.median(np.abs(away))) / 0.6745
    if spread == 0:
        spread = float(np.abs(away).mean()) / 0.7979
    score: NDArray[np.float64] = away / spread if spread > 0 else np.zeros_like(bits)
    return score
