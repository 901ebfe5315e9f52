"""Colour of pictures on their way in: profiles, CMYK, samples of more than 8 bits."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from aez.bitstream.errors import ImageError

_SPACE_OF_MODE = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}


def to_8_bits(samples: NDArray[np.generic]) -> NDArray[np.uint8]:
    """16-bit integers by rounding to 8 bits; floats, and integers beyond 16 bits, from their own range.

    Raises:
        ImageError: a sample is not a number.
    """
    if samples.dtype == np.uint16:
        out: NDArray[np.uint8] = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return out
    values = samples.astype(np.float64)
    if not np.isfinite(values).all():
        raise ImageError("the picture has samples that are not numbers")
    low, high = float(values.min()), float(values.max())
    if samples.dtype.kind in "iu" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    out = np.round(scaled * 255).astype(np.uint8)
    return out


def has_deep_samples(image: Image.Image) -> bool:
    """Whether the file of an image that is not loaded yet has more than 8 bits a sample, which Pillow cuts to 8."""
    for tile in getattr(image, "tile", []):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        if any(isinstance(word, str) and ";16" in word for word in arguments):
            return True
    return False


def is_srgb(profile: bytes) -> bool:
    """Whether a profile says that it is sRGB; False for one that cannot be read."""
    describe: Callable[[ImageCms.ImageCmsProfile], str] = ImageCms.getProfileDescription
    try:
        return "sRGB" in describe(_open(profile))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False


def fits(profile: bytes, mode: str) -> bool:
    """Whether a profile can be read and is one for pictures of this mode (RGB, L or CMYK)."""
    try:
        return bool(_open(profile).profile.xcolor_space.strip() == _SPACE_OF_MODE[mode])
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        return False


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """An RGB, L or CMYK image through its profile to sRGB, mode RGB; None if the profile cannot be used."""
    try:
        converted: Image.Image | None = ImageCms.profileToProfile(
            image, _open(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        return converted
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _open(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))
