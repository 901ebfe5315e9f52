"""Write pictures in Pillow's formats, and reduce them to what each format can hold.

This module does not import torch.
"""

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from aez.bitstream.errors import ImageError
from aez.codec.memory import return_freed_memory
from aez.codec.picture.alpha.transparency import BACKGROUND, flattened
from aez.codec.picture.colour.conversion import is_srgb, matched, samples_to_srgb, space_of
from aez.codec.picture.depth import is_deep, to_8_bits
from aez.codec.picture.formats.deep_png import deep_png
from aez.codec.picture.metadata.chunks import EXIF_PREFIX, Metadata, exif_orientation, with_orientation
from aez.codec.picture.metadata.extended_xmp import EXTENSION, STANDARD, divided
from aez.codec.picture.metadata.resolution import is_resolution_alone, is_unknown, resolution_alone, resolution_options
from aez.codec.picture.picture import Picture, stripped
from aez.codec.picture.turning import upright

# Defaults: the highest quality that a format reaches at a usual file size.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0, "optimize": True},
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    "PNG": {"compress_level": 3},
}
_WITH_METADATA = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "TIFF")
_WITH_GREY_ALPHA = ("PNG", "TIFF")
_WITH_ALPHA = ("PNG", "WEBP", "AVIF", "TIFF", "GIF", "ICO", "ICNS", "JPEG2000", "TGA", "SGI", "DDS")
# A JPEG segment holds 65533 bytes including the identifier of EXIF (6) or XMP (29); a profile may take 255 segments.
_JPEG_LIMITS = {"icc": 255 * 65519, "exif": 65533 - 6, "xmp": 65533 - 29}
_NAMES = {"icc": "the colour profile", "exif": "EXIF metadata", "xmp": "XMP metadata"}
_XMP_TAG = 700
_ICO_SIDE, _GIF_COLOURS = 256, 256
_LARGE = 2**25


def format_of(target: Path) -> str:
    """Return Pillow's name of the format of a file's suffix.

    Raises:
        ImageError: Pillow cannot write files with that suffix.
    """
    try:
        return format_of_suffix(target.suffix)
    except ImageError as error:
        raise ImageError(f"{target}: {error}") from None


def format_of_suffix(suffix: str) -> str:
    """Return Pillow's name of the format of a suffix, which begins with a dot; errors as :func:`format_of`."""
    kind = Image.registered_extensions().get(suffix.lower())
    if kind is None or kind not in Image.SAVE or kind == "AEZ":  # registered by `aez.codec.pillow`
        raise ImageError(f"Pillow cannot write pictures with the suffix {suffix!r}")
    return kind


def write_picture(
    picture: Picture,
    kind: str,
    *,
    background: tuple[int, int, int] = BACKGROUND,
    auto_orient: bool = False,
    strip: bool = False,
    to_srgb: bool = False,
) -> tuple[memoryview, list[str]]:
    """Write a picture as a file in memory.

    Args:
        picture: as decoded.
        kind: Pillow's name of the format.
        background: colour behind a transparent picture where the format has no alpha.
        auto_orient: turn the pixels to the orientation for display.
        strip: leave EXIF, XMP and a profile for sRGB out, and turn the pixels.
        to_srgb: convert to sRGB, and leave the profile out.

    Returns:
        The bytes of the file, and a warning for everything that the format cannot hold.

    Raises:
        ImageError: the format cannot hold the picture.
    """
    fitted = fit_to_format(picture, kind, background=background, auto_orient=auto_orient or strip, srgb=to_srgb)
    return picture_bytes(stripped(fitted) if strip else fitted, kind), fitted.warnings


def fit_to_format(
    picture: Picture,
    kind: str,
    *,
    background: tuple[int, int, int] = BACKGROUND,
    auto_orient: bool = False,
    srgb: bool = False,
) -> Picture:
    """Reduce a picture to what a format can hold; ``warnings`` of the result name what is left out.

    Pixels stay as stored if EXIF can say how to turn them: the format must hold EXIF, and the picture's EXIF must agree
    with its orientation. Otherwise, or with ``auto_orient``, pixels are turned, and EXIF and XMP are rewritten to
    orientation 1 where they state one.

    Args:
        picture: the decoded picture.
        kind: Pillow's name of the format.
        background: colour behind a picture with alpha if the format has no alpha.
        auto_orient: turn the pixels in every case.
        srgb: convert to sRGB and leave out the profile.
    """
    warnings = list(picture.warnings)
    stated = exif_orientation(picture.metadata.exif) or 1
    if auto_orient or kind not in _WITH_METADATA or stated != picture.orientation:
        picture = upright(picture)
        picture = replace(picture, metadata=with_orientation(picture.metadata, 1))
    if picture.alpha is not None and kind not in _WITH_ALPHA:
        picture = flattened(picture, background)
    samples, profile, note = matched(picture.samples, picture.metadata.icc)
    picture = replace(picture, samples=samples, metadata=replace(picture.metadata, icc=profile))
    if note:
        warnings.append(note)
    warnings += _reductions(picture, kind)
    if is_deep(picture.samples) and not _holds_deep(picture, kind):
        warnings.append(f"{picture.depth}-bit samples are written with 8 bits in {kind}")
        picture = replace(picture, samples=to_8_bits(picture.samples))
    becomes_rgb = kind == "WEBP" or (picture.mode == "LA" and kind not in _WITH_GREY_ALPHA)
    misfit = profile and becomes_rgb and space_of(profile) == "GRAY"
    if profile and (srgb or misfit or kind not in _WITH_METADATA):
        picture = _without_profile(picture, profile, warnings)
    metadata = picture.metadata
    for name in _NAMES:
        size = len(getattr(metadata, name) or b"")
        if size and kind not in _WITH_METADATA:
            metadata = _lacking(metadata, name, kind, "", warnings)
        elif (
            kind in ("JPEG", "MPO")
            and size > _JPEG_LIMITS[name]
            and not (name == "xmp" and _xmp_segments(metadata.xmp))
        ):
            metadata = _lacking(metadata, name, kind, ": too long", warnings)
    if kind in ("AVIF", "TIFF") and metadata.exif and not _parses(metadata.exif):
        metadata = _lacking(metadata, "exif", kind, ": they are damaged", warnings)
    return replace(picture, metadata=metadata, warnings=warnings)


def _reductions(picture: Picture, kind: str) -> list[str]:
    """Name what Pillow itself reduces, without a word, when it writes a format.

    Raises:
        ImageError: the format cannot hold a picture of this size.
    """
    height, width = picture.samples.shape[:2]
    found = []
    if kind == "ICO" and max(height, width) > _ICO_SIDE:
        raise ImageError(f"ICO holds pictures of at most {_ICO_SIDE} pixels a side, not {width}×{height}")
    if kind == "ICNS":
        found.append("ICNS holds squares of certain sizes, to which the picture is resized")
    if kind == "GIF" and picture.alpha is not None and not np.isin(picture.alpha, (0, 255)).all():
        found.append("partial transparency cannot be kept in GIF")
    if kind == "GIF" and picture.samples.ndim == 3:
        colours = Image.fromarray(to_8_bits(picture.samples)).getcolors(_GIF_COLOURS)
        found += [] if colours else [f"more than {_GIF_COLOURS} colours cannot be kept in GIF"]
    return found


def _holds_deep(picture: Picture, kind: str) -> bool:
    """Check whether a format is written with more than 8 bits per sample."""
    return kind == "PNG" or (kind == "TIFF" and picture.mode == "L")


def _lacking(metadata: Metadata, name: str, kind: str, reason: str, warnings: list[str]) -> Metadata:
    """Remove one kind of metadata; of EXIF, the resolution stays if the format has a field for it."""
    exif = metadata.exif if name == "exif" else None
    kept = resolution_alone(exif) if resolution_options(exif, kind) else None
    if exif is None or not is_resolution_alone(exif):
        warnings.append(f"{_NAMES[name]} cannot be kept in {kind}{reason}")
    elif kept is None and not is_unknown(exif):
        warnings.append(f"the resolution cannot be kept in {kind}")
    return replace(metadata, **{name: kept})


def _parses(exif: bytes) -> bool:
    """Check whether Pillow can parse EXIF, as it must for formats that store EXIF in another form."""
    try:
        Image.Exif().load(EXIF_PREFIX + exif)
    except Exception:  # whatever Pillow's parser raises
        return False
    return True


def picture_bytes(picture: Picture, kind: str) -> memoryview:
    """Encode a picture, as :func:`fit_to_format` returns it, as a file.

    Raises:
        ImageError: the format cannot hold the picture.
    """
    if picture.samples.size > _LARGE:
        # Pillow will allocate four bytes per pixel in blocks of its own, which do not fit into the freed tensors.
        return_freed_memory()
    if kind == "PNG" and is_deep(picture.samples):
        return _deep_png(picture)
    image = Image.fromarray(picture.pillow_array())
    options = _SAVE_OPTIONS.get(kind, {})
    if kind == "ICO":
        options = {"sizes": [image.size]}  # by default, Pillow writes smaller ones only
    if kind == "AVIF" and image.mode == "L":
        options = options | {"subsampling": "4:0:0"}
    image = image if image.mode != "LA" or kind in _WITH_GREY_ALPHA else image.convert("RGBA")
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, **options, **metadata_options(picture.metadata, kind))
    except Exception as error:  # plugins raise any exception, also on damaged EXIF
        raise ImageError(f"cannot be written as {kind} ({error})") from None
    return buffer.getbuffer()  # getvalue would make a copy


def _deep_png(picture: Picture) -> memoryview:
    """Write a PNG file of 16 bits per sample; Pillow writes the metadata."""
    model, options = io.BytesIO(), _SAVE_OPTIONS["PNG"]
    try:
        Image.new("L", (1, 1)).save(model, "PNG", **metadata_options(picture.metadata, "PNG"))
    except Exception as error:  # on damaged EXIF
        raise ImageError(f"cannot be written as PNG ({error})") from None
    return memoryview(
        deep_png(picture.samples, picture.alpha, picture.depth, model.getvalue(), options["compress_level"])
    )


def metadata_options(metadata: Metadata, kind: str) -> dict[str, Any]:
    """Return arguments of Pillow's ``save`` that write the metadata."""
    options: dict[str, Any] = {}
    if metadata.icc:
        options["icc_profile"] = metadata.icc
    if kind == "TIFF":
        # A TIFF file holds EXIF and XMP as its own tags.
        tags = Image.Exif()
        if metadata.exif:
            tags.load(EXIF_PREFIX + metadata.exif)
        if metadata.xmp:
            tags[_XMP_TAG] = metadata.xmp
        return options | {"exif": tags}
    options |= resolution_options(metadata.exif, kind)
    if metadata.exif and kind in _WITH_METADATA:
        options["exif"] = EXIF_PREFIX + metadata.exif if kind in ("JPEG", "MPO") else metadata.exif
    if metadata.xmp and kind == "PNG":
        options["pnginfo"] = info = PngImagePlugin.PngInfo()
        # An uncompressed iTXt chunk: keyword, flags, no language, no translation, then the packet unchanged.
        info.add(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp)
    elif metadata.xmp and len(metadata.xmp) > _JPEG_LIMITS["xmp"] and kind in ("JPEG", "MPO"):
        options["extra"] = _xmp_segments(metadata.xmp)
    elif metadata.xmp:
        options["xmp"] = metadata.xmp
    return options


def _xmp_segments(xmp: bytes | None) -> bytes:
    """Split a long XMP packet into segments of a JPEG file; return no bytes if it cannot be split."""
    parts = divided(xmp, _JPEG_LIMITS["xmp"]) if xmp else None
    if parts is None:
        return b""
    segments = [STANDARD + parts[0], *(EXTENSION + part for part in parts[1])]
    return b"".join(b"\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment for segment in segments)


def _without_profile(picture: Picture, profile: bytes, warnings: list[str]) -> Picture:
    """Convert to sRGB and drop the profile, so that colours stay the same."""
    plain = replace(picture, metadata=replace(picture.metadata, icc=None))
    if is_srgb(profile):
        return plain
    if is_deep(picture.samples):
        warnings.append(f"{picture.depth}-bit samples are converted to sRGB with 8 bits")
    converted = samples_to_srgb(to_8_bits(picture.samples), profile)
    if converted is None:
        warnings.append("the colour profile cannot be used and is left out")
        return plain
    return replace(plain, samples=converted)
