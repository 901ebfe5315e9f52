"""Read pictures from Pillow images."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream.errors import ImageError
from aez.codec.picture.alpha.transparency import key_of, opacity
from aez.codec.picture.colour.avif import avif_codes, avif_depth
from aez.codec.picture.colour.conversion import cmyk_to_srgb, is_srgb, matched, samples_to_srgb
from aez.codec.picture.colour.png import png_codes, png_profile
from aez.codec.picture.depth import Samples, is_deep, is_within_16_bits, to_8_bits, to_16_bits
from aez.codec.picture.formats.deep_heif import deep_heif, heif_depth
from aez.codec.picture.formats.deep_samples import (
    deep_samples,
    has_deep_colour,
    is_deep_mode,
    is_inverted,
    refuse_planes,
)
from aez.codec.picture.formats.png_chunks import stated_depth
from aez.codec.picture.formats.raw_files import refuse_raw
from aez.codec.picture.metadata.chunks import Metadata, bounded, with_extended_xmp
from aez.codec.picture.metadata.left_out import left_out
from aez.codec.picture.metadata.orientation import read_oriented
from aez.codec.picture.metadata.resolution import with_file_resolution
from aez.codec.picture.picture import Picture, stripped

_BAND = 2**24
"""Samples copied from a Pillow image at a time."""
_GREY_MODES = ("1", "L", "LA", "La")
_OWN_COLOURS = ("LAB", "HSV")
"""Modes whose profile does not apply to the RGB samples that Pillow converts them to."""
_ALPHA_MODES = ("LA", "La", "RGBA", "RGBa", "PA")


def from_image(image: Image.Image, *, srgb: bool = False, strip: bool = False) -> Picture:
    """Read a Pillow image of any mode; of several frames the current one, as Pillow's `save` does.

    Modes of more than 8 bits give deep samples. So do files of 16-bit colour, although Pillow's mode is one of 8 bits,
    if the image is not loaded yet.

    Args:
        image: image to read; it is loaded.
        srgb: convert to sRGB through the profile, which is then left out.
        strip: leave out EXIF, XMP and a profile that describes sRGB, which is the default. No warnings are then given
            for metadata that cannot be kept.

    Raises:
        ImageError: the pixels cannot be read or converted, or are only the thumbnail of a raw file.
    """
    warnings: list[str] = []
    try:
        refuse_raw(image)
        refuse_planes(image)
        deep, depth = _deep(image, warnings)
        codes = png_codes(image) or avif_codes(image)
        key = key_of(image) if deep is None else image.info.get("transparency")
        image.load()
        orientation, metadata = read_oriented(image, warnings)
        metadata = Metadata(icc=metadata.icc) if strip else _completed(image, metadata, warnings)
        metadata, too_long = bounded(metadata)
        warnings.extend([too_long] if too_long else [])
        profile, notes = png_profile(image, codes, metadata.icc, _is_grey(image))
        warnings.extend(notes)
        if deep is None:
            samples, alpha, profile = _convert(image, profile, warnings)
        else:
            samples, alpha = split_deep(deep, warnings)
        if deep is not None and alpha is None and isinstance(key, tuple) and len(key) == 3:
            alpha = opacity(samples, key)
        elif deep is None and key is not None:
            alpha = opacity(_copy(image.convert("L") if image.mode == "1" else image, len(image.getbands())), key)
        samples, profile = _coloured(samples, profile, srgb, warnings)
    except ImageError:
        raise
    except Exception as error:  # Pillow's plugins raise RuntimeError, TypeError, struct.error … on damaged files
        raise ImageError(f"cannot be read as a picture ({error})") from None
    picture = Picture(samples, alpha, orientation, replace(metadata, icc=profile), warnings, depth)
    return stripped(picture) if strip else picture


def _deep(image: Image.Image, warnings: list[str]) -> tuple[NDArray[np.uint16] | None, int]:
    """Read the deep samples of a file that is not loaded yet; return them, or None, and the depth that it states."""
    deep, depth = deep_heif(image), heif_depth(image)
    if deep is None:
        deep = deep_samples(image)
    if depth == 8:
        depth = stated_depth(image)
    lost = max(avif_depth(image), heif_depth(image), 16 if has_deep_colour(image) else 8)
    if deep is None and lost > 8 and not is_deep_mode(image.mode):
        warnings.append(f"{lost}-bit samples are coded with 8 bits")
    return deep, depth


def split_deep(array: NDArray[np.uint16], warnings: list[str]) -> tuple[Samples, NDArray[np.uint8] | None]:
    """Split (H, W, C) uint16 into samples and alpha, which is rounded to 8 bits; a warning says so if it matters."""
    if array.shape[2] in (1, 3):
        return array.squeeze(2) if array.shape[2] == 1 else array, None
    deep = array[:, :, -1]
    alpha = to_8_bits(deep)
    if not np.array_equal(to_16_bits(alpha), deep):
        warnings.append("16-bit transparency is rounded to 8 bits")
    return np.ascontiguousarray(array[:, :, 0] if array.shape[2] == 2 else array[:, :, :3]), alpha


def _completed(image: Image.Image, metadata: Metadata, warnings: list[str]) -> Metadata:
    """Add metadata that the file holds in other places; append a warning for all that cannot be kept."""
    exif, lost_resolution = with_file_resolution(image, metadata.exif)
    metadata, lost_xmp = with_extended_xmp(image, replace(metadata, exif=exif))
    warnings.extend(note for note in (lost_resolution, lost_xmp, *left_out(image)) if note)
    return metadata


def _convert(
    image: Image.Image, profile: bytes | None, warnings: list[str]
) -> tuple[Samples, NDArray[np.uint8] | None, bytes | None]:
    """Convert an image to samples and alpha, and return them with the profile that applies to the samples."""
    if is_deep_mode(image.mode):
        deep = np.asarray(image)
        if not is_within_16_bits(deep):
            kind = "float" if image.mode == "F" else "integer"
            warnings.append(f"{kind} samples are scaled from their range and coded with 16 bits")
        key = image.info.get("transparency")
        alpha = np.where(deep == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
        samples = to_16_bits(deep)
        return (~samples if is_inverted(image) else samples), alpha, profile
    if image.mode in ("P", "PA"):
        transparent = image.mode == "PA" or "transparency" in image.info
        mode = "L" if _has_grey_palette(image) else "RGB"
        image = image.convert(mode + "A" if transparent else mode)
    elif image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    alpha = _band_of(image, image.mode[-1]) if image.mode in _ALPHA_MODES else None
    if image.mode == "1":
        image = image.convert("L")
    colour = image.mode.removesuffix("A")
    if colour not in ("L", "RGB", "CMYK"):
        warnings.append(f"a picture of mode {image.mode} is converted to RGB")
        profile = None if image.mode in _OWN_COLOURS else profile
        return _copy(image.convert("RGB"), 3), alpha, profile
    if colour == "CMYK":
        return _from_cmyk(image, profile, warnings), None, None
    return _copy(image, 1 if colour == "L" else 3), alpha, profile


def _coloured(samples: Samples, profile: bytes | None, srgb: bool, warnings: list[str]) -> tuple[Samples, bytes | None]:
    """Make samples and profile fit each other, or convert the samples to sRGB."""
    samples, profile, note = matched(samples, profile)
    if note:
        warnings.append(note)
    if srgb and profile and not is_srgb(profile):
        if is_deep(samples):
            warnings.append("16-bit samples are converted to sRGB with 8 bits")
        converted = samples_to_srgb(to_8_bits(samples), profile)
        if converted is None:
            warnings.append("the colour profile cannot be used and is left out")
        else:
            samples = converted
    return samples, None if srgb else profile


def _is_grey(image: Image.Image) -> bool:
    """Check whether the samples of a loaded image will be grey."""
    if image.mode in ("P", "PA"):
        return _has_grey_palette(image)
    return image.mode in _GREY_MODES or is_deep_mode(image.mode)


def _has_grey_palette(image: Image.Image) -> bool:
    palette = np.array(image.getpalette("RGB") or [0, 1, 2]).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _from_cmyk(image: Image.Image, profile: bytes | None, warnings: list[str]) -> NDArray[np.uint8]:
    converted = cmyk_to_srgb(image, profile) if profile else None
    if converted is not None:
        warnings.append("a CMYK picture is converted to sRGB through its profile")
        return _copy(converted, 3)
    if profile:
        warnings.append("the colour profile cannot be used and is left out")
    warnings.append("a CMYK picture is converted to RGB by (1 − ink)(1 − black): it has no profile that can be used")
    return _copy(image.convert("RGB"), 3)


def _copy(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    """Copy the first channels of an image to (H, W) or (H, W, channels).

    The copy is made in bands, since Pillow's own conversion takes three times the memory.
    """
    shape = (image.height, image.width) if channels == 1 else (image.height, image.width, channels)
    out = np.empty(shape, dtype=np.uint8)
    rows = max(1, _BAND // (image.width * channels))
    for top in range(0, image.height, rows):
        bottom = min(image.height, top + rows)
        # Image.crop would apply MAX_IMAGE_PIXELS, the limit that a process sets for files that Pillow opens.
        box = (0, top, image.width, bottom)
        band = np.asarray(image.resize((image.width, bottom - top), Image.Resampling.NEAREST, box))
        out[top : top + rows] = (
            band if band.shape[2:] == shape[2:] else band[..., 0] if channels == 1 else band[..., :3]
        )
    return out


def _band_of(image: Image.Image, name: str) -> NDArray[np.uint8]:
    return _copy(image.getchannel(name), 1)
