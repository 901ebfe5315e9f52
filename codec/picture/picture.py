"""The picture type that the encoder takes and the decoder returns."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.codec.picture.colour.conversion import is_srgb, matched
from aez.codec.picture.depth import Samples, at_depth, is_deep, narrowed, to_8_bits
from aez.codec.picture.metadata.chunks import EXIF_PREFIX, Metadata
from aez.codec.picture.metadata.resolution import resolution_of

Pixels = Image.Image | NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Picture:
    """A picture: samples, alpha, orientation and metadata.

    Attributes:
        samples: (H, W, 3) RGB, or (H, W) grey; uint8, or uint16 over the whole range of 16 bits, whatever the depth
            (:mod:`aez.codec.picture.depth`). They are sRGB unless there is a profile.
        alpha: (H, W) uint8, from 0 (transparent) to 255 (opaque), not premultiplied; None for an opaque picture.
        orientation: how to turn the picture for display, as EXIF's tag 274, 1 … 8.
        metadata: ICC profile, EXIF, XMP.
        warnings: properties of the input that are not kept, one line each.
        deep_bits: significant bits of uint16 samples, 10, 12 or 16; without meaning for uint8.
    """

    samples: Samples
    alpha: NDArray[np.uint8] | None = None
    orientation: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    warnings: list[str] = field(default_factory=list)
    deep_bits: int = 16

    @property
    def depth(self) -> int:
        """Bits per sample: 8, 10, 12 or 16."""
        return self.deep_bits if is_deep(self.samples) else 8

    @property
    def mode(self) -> str:
        """Pillow's name of the mode: L, LA, RGB or RGBA."""
        return ("L" if self.samples.ndim == 2 else "RGB") + ("" if self.alpha is None else "A")

    def to_array(self) -> Samples:
        """Return the samples, followed by alpha, as (H, W), (H, W, 2), (H, W, 3) or (H, W, 4).

        They are uint8, or uint16 from 0 to 2**depth − 1.
        """
        samples = narrowed(self.samples, self.depth)
        if self.alpha is None:
            return samples
        return np.dstack([samples, narrowed(at_depth(self.alpha, self.depth), self.depth)])

    def pillow_array(self) -> Samples:
        """Return the samples and alpha with as many bits as Pillow's modes hold; see :meth:`to_image`."""
        if self.samples.ndim == 2 and self.alpha is None:
            return self.samples
        return replace(self, samples=to_8_bits(self.samples)).to_array()

    def to_image(self) -> Image.Image:
        """Convert the picture as stored (not turned) to a Pillow image.

        Metadata are in ``info``, in the form in which Pillow's own readers leave them.
        A grey picture with a profile for RGB becomes RGB. Deep pictures become mode I;16, over the whole range of 16
        bits, if they are grey without alpha; Pillow has no mode for others, which are rounded to 8 bits.
        """
        samples, profile, _ = matched(self.samples, self.metadata.icc)
        image = Image.fromarray(replace(self, samples=samples).pillow_array())
        if profile:
            image.info["icc_profile"] = profile
        if self.metadata.exif:
            image.info["exif"] = EXIF_PREFIX + self.metadata.exif
            resolution = resolution_of(self.metadata.exif)
            if resolution and resolution.dpi:
                image.info["dpi"] = resolution.dpi
        if self.metadata.xmp:
            image.info["xmp"] = self.metadata.xmp
        return image


def stripped(picture: Picture) -> Picture:
    """Remove EXIF, XMP and a profile that describes sRGB, which is the default; other profiles stay."""
    profile = picture.metadata.icc
    return replace(picture, metadata=Metadata(icc=None if profile and is_srgb(profile) else profile))


def in_8_bits(picture: Picture) -> Picture:
    """Round a deep picture to 8 bits, with a warning."""
    if picture.depth == 8:
        return picture
    warning = f"{picture.depth}-bit samples are rounded to 8 bits"
    return replace(picture, samples=to_8_bits(picture.samples), warnings=[*picture.warnings, warning])
