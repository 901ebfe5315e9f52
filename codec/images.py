"""Pictures in: any Pillow image or array to 8-bit RGB, saying what that changes. Pictures out: orientation."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from aez.bitstream.errors import ImageError

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BACKGROUND = (255, 255, 255)


@dataclass(frozen=True)
class Picture:
    """What the encoder takes.

    Attributes:
        samples: (H, W, 3) uint8, sRGB.
        orientation: how to turn it for display, as EXIF's tag 274, 1 … 8.
        warnings: what of the input is not carried, one line each.
    """

    samples: NDArray[np.uint8]
    orientation: int = 1
    warnings: list[str] = field(default_factory=list)


def from_array(array: NDArray[np.generic]) -> Picture:
    """An (H, W, 3) or (H, W) uint8 array.

    Raises:
        TypeError: the dtype is not uint8.
        ValueError: the shape is another.
    """
    if array.dtype != np.uint8:
        raise TypeError(f"the array must be uint8, not {array.dtype}")
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(f"the array must have shape (H, W, 3) or (H, W), not {array.shape}")
    return Picture(np.ascontiguousarray(array))


def from_image(image: Image.Image) -> Picture:
    """A Pillow image of any mode, its first frame.

    Raises:
        ImageError: the pixels cannot be read or converted.
    """
    warnings: list[str] = []
    try:
        if getattr(image, "n_frames", 1) > 1:
            warnings.append("only the first frame of an animated or multi-page picture is kept")
            image.seek(0)
        image.load()
        orientation = int(image.getexif().get(ExifTags.Base.Orientation, 1))
        if len(image.getexif()) > ("exif" not in image.info):
            warnings.append("EXIF metadata are not kept (the orientation is)")
        if "xmp" in image.info:
            warnings.append("XMP metadata are not kept")
        rgb = _to_rgb(image, warnings)
        samples = np.array(rgb)
    except ImageError:
        raise
    except Exception as error:  # Pillow's plugins raise RuntimeError, TypeError, struct.error … on damaged files
        raise ImageError(f"cannot be read as a picture ({error})") from None
    return Picture(samples, orientation if 1 <= orientation <= 8 else 1, warnings)


def _to_rgb(image: Image.Image, warnings: list[str]) -> Image.Image:
    """8-bit sRGB without alpha."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        warnings.append("16-bit and float samples are coded with 8 bits")
        return Image.fromarray(_to_8_bits(np.asarray(image))).convert("RGB")
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode in ("RGBA", "LA", "RGBa"):
        image = image.convert("RGBA")
        if np.asarray(image)[..., 3].min() < 255:
            warnings.append("transparency is not kept: the picture is laid on white")
            ground = Image.new("RGBA", image.size, (*BACKGROUND, 255))
            image = Image.alpha_composite(ground, image)
        image = image.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        converted = _to_srgb(image, profile)
        if converted is not None:
            if image.mode != "RGB" or not _is_srgb(profile):
                warnings.append("the colour profile is not kept: the picture is converted to sRGB")
            return converted
        warnings.append("the colour profile cannot be used and is not kept")
    if image.mode in ("L", "1"):
        warnings.append("a grey picture is coded as RGB")
    elif image.mode != "RGB":
        warnings.append(f"a picture of mode {image.mode} is coded as RGB")
    return image.convert("RGB")


def _to_8_bits(samples: NDArray[np.generic]) -> NDArray[np.uint8]:
    """16-bit integers by their high byte; floats, and integers beyond 16 bits, from their own range."""
    values = samples.astype(np.float64)
    if not np.isfinite(values).all():
        raise ImageError("the picture has samples that are not numbers")
    low, high = float(values.min()), float(values.max())
    if samples.dtype.kind in "iu" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    out: NDArray[np.uint8] = np.round(scaled * 255).astype(np.uint8)
    return out


def _open(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _is_srgb(profile: bytes) -> bool:
    describe: Callable[[ImageCms.ImageCmsProfile], str] = ImageCms.getProfileDescription
    return "sRGB" in describe(_open(profile))


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Through the embedded profile; None if it cannot be used."""
    try:
        if image.mode == "RGB" and _is_srgb(profile):
            return image
        converted: Image.Image | None = ImageCms.profileToProfile(
            image, _open(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        return converted
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as it is meant to be seen."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
