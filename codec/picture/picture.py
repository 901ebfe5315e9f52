"""The picture type that the encoder takes and the decoder returns."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.codec.picture.colour.conversion import is_srgb, matched
from aez.codec.picture.metadata.chunks import EXIF_PREFIX, Metadata
from aez.codec.picture.metadata.resolution import resolution_of

Pixels = Image.Image | NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A picture: samples, alpha, orientation and metadata.

    Attributes:
        samples: (H, W, 3) uint8 RGB, or (H, W) uint8 grey; sRGB unless there is a profile.
        alpha: (H, W) uint8, from 0 (transparent) to 255 (opaque), not premultiplied; None for an opaque picture.
        orientation: how to turn the picture for display, as EXIF's tag 274, 1 … 8.
        metadata: ICC profile, EXIF, XMP.
        warnings: properties of the input that are not kept, one line each.
    """

    samples: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    orientation: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    warnings: list[str] = field(default_factory=list)

    @property
    def mode(self) -> str:
        """Pillow's name of the mode: L, LA, RGB or RGBA."""
        return ("L" if self.samples.ndim == 2 else "RGB") + ("" if self.alpha is None else "A")

    def to_array(self) -> NDArray[np.uint8]:
        """Return the samples, followed by alpha, as (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8."""
        if self.alpha is None:
            return self.samples
        return np.dstack([self.samples, self.alpha])

    def to_image(self) -> Image.Image:
        """Convert the picture as stored (not turned) to a Pillow image.

        Metadata are in ``info``, in the form in which Pillow's own readers leave them.
        A grey picture with a profile for RGB becomes RGB.
        """
        samples, profile, _ = matched(self.samples, self.metadata.icc)
        image = Image.fromarray(replace(self, samples=samples).to_array())
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
