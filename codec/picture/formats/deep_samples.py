"""Read all 16 bits of colour samples that Pillow reduces to 8.

Pillow has no mode for colour of 16 bits per sample. It has two raw modes for each kind of such pixels, of either byte
order, and takes the more significant byte of each. A file that is decoded by both gives both bytes. Filters,
interlacing, compression and the checks of damaged files are Pillow's own.
"""

import io
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream.errors import ImageError

_COLOURS = ("RGB", "RGBX", "RGBA")
_CODECS = {"zip", "raw", "libtiff"}
_PPM = ("ppm", "ppm_plain")
"""Codecs whose second argument is the largest sample."""
_GREY_ALPHA = "LA;16B"
_PLANAR_CONFIGURATION, _SEPARATE = 284, 2
_BITS_PER_SAMPLE, _SAMPLES_PER_PIXEL = 258, 277
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


def has_deep_colour(image: Image.Image) -> bool:
    """Check whether an image that is not loaded yet has 16-bit samples which Pillow reduces to 8."""
    if is_deep_mode(image.mode):
        return False
    largest = [tile[3][1] for tile in getattr(image, "tile", []) if tile[0] in _PPM]
    return any(";16" in mode for mode in _raw_modes(image)) or any(value > 255 for value in largest)


def refuse_planes(image: Image.Image) -> None:
    """Refuse TIFF files of 16-bit colour in separate planes, which Pillow reads as if they had 8 bits.

    Raises:
        ImageError: it is one.
    """
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS_PER_SAMPLE, (8,))
    separate = tags.get(_PLANAR_CONFIGURATION) == _SEPARATE and tags.get(_SAMPLES_PER_PIXEL, 1) > 1
    if separate and max(bits if isinstance(bits, tuple) else (bits,)) > 8:
        raise ImageError("TIFF files of more than 8 bits in separate planes cannot be read")


def is_inverted(image: Image.Image) -> bool:
    """Check whether white is 0 in a TIFF file of 16-bit grey; Pillow does not turn such samples."""
    return image.mode.startswith("I;16") and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def is_deep_mode(mode: str) -> bool:
    """Check whether Pillow's mode holds more than 8 bits per sample."""
    return mode.startswith("I;16") or mode in ("I", "F")


def deep_samples(image: Image.Image) -> NDArray[np.uint16] | None:
    """Read the samples of an opened file of 16-bit colour, or of 16-bit grey with alpha.

    This must be called before the image is loaded, since Pillow then closes the file.

    Args:
        image: image as Pillow opened it, which is not changed.

    Returns:
        (H, W, C) uint16, alpha last: C is 2 for grey with alpha, 3 for RGB, 4 for RGBA. None if the samples are not of
        16 bits, or if Pillow decodes them in a way that gives only 8.

    Raises:
        OSError, SyntaxError, ValueError, …: the file is damaged, as Pillow says.
    """
    file, codecs = getattr(image, "fp", None), {tile[0] for tile in getattr(image, "tile", [])}
    raw = set(_raw_modes(image))
    if len(raw) != 1 or not codecs <= _CODECS or file is None or file.closed:
        return None
    (mode,) = raw
    colour, _, order = mode.partition(";16")
    pairs = mode == _GREY_ALPHA and image.format == "PNG"
    if not pairs and (colour not in _COLOURS or order not in _OTHER_ORDER):
        return None
    if getattr(image, "tag_v2", {}).get(_PLANAR_CONFIGURATION) == _SEPARATE or (image.tell() and image.format == "PNG"):
        return None
    before = file.tell()
    try:
        file.seek(0)
        data = file.read()
    finally:
        file.seek(before)
    if pairs:  # four bytes per pixel, as RGBA of 8 bits has
        return np.ascontiguousarray(_decoded(image, data, "RGBA")).view(">u2").astype(np.uint16)
    out = _decoded(image, data, mode).astype(np.uint16)
    out <<= 8
    out |= _decoded(image, data, f"{colour};16{_OTHER_ORDER[order]}")
    return out


def _decoded(image: Image.Image, data: bytes, raw: str) -> NDArray[np.uint8]:
    """Decode a file's current frame by another raw mode."""
    with Image.open(io.BytesIO(data), formats=[image.format or ""]) as copy:
        if image.tell():
            copy.seek(image.tell())
        copy.tile = [_with_raw_mode(tile, raw) for tile in copy.tile]
        return np.asarray(copy)


def _with_raw_mode(tile: tuple[object, ...], raw: str) -> tuple[object, ...]:
    arguments = tile[3]
    changed = (raw, *arguments[1:]) if isinstance(arguments, tuple) else raw
    replace = getattr(tile, "_replace", None)
    return replace(args=changed) if replace else (*tile[:3], changed)


def _raw_modes(image: Image.Image) -> list[str]:
    """Return the raw mode of each part of an image that is not loaded yet."""
    words = [tile[3][0] if isinstance(tile[3], tuple) else tile[3] for tile in getattr(image, "tile", [])]
    return [word for word in words if isinstance(word, str)]
