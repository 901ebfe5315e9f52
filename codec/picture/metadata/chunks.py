"""Carry ICC profiles, EXIF and XMP between Pillow images and `.aez` chunks without changing their bytes."""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace

from PIL import ExifTags, Image

from aez.bitstream import ChunkType, Limits
from aez.codec.picture.metadata.extended_xmp import EXTENSION, joined
from aez.codec.picture.metadata.thumbnails import without_exif_thumbnail, without_xmp_thumbnails

EXIF_PREFIX = b"Exif\0\0"
_ORIENTATION = 274
_SHORT = 3
# Integer types that a directory's entry stores inline: Pillow and others accept an orientation of any of them.
_WHOLE_NUMBERS = {_SHORT: "H", 4: "I", 8: "h", 9: "i"}
_MAX_ENTRIES = 1000
_LONGEST = Limits().max_metadata - 2**20
"""Size limit of all metadata together, in bytes: the decoder's limit less 1 MiB for a preview."""
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))([1-8])")
# Tags that describe how a TIFF file stores its samples, and metadata that have a chunk of their own.
_STRUCTURE = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291),
    *(292, 293, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340, 341, 342),
    *(347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 559, 700, 33723, 34377, 34675),
}


@dataclass(frozen=True)
class Metadata:
    """Metadata of a picture, byte for byte; None for each part that is missing.

    Attributes:
        icc: ICC profile.
        exif: TIFF structure, without the ``Exif`` prefix.
        xmp: XMP packet.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


def read_metadata(image: Image.Image) -> Metadata:
    """Read the metadata that Pillow found in an opened picture."""
    icc, xmp = image.info.get("icc_profile"), image.info.get("xmp")
    icc = icc if isinstance(icc, bytes) else None  # in a PNG file, text may have this name
    if isinstance(xmp, str):
        xmp = xmp.encode()
    exif = image.info.get("exif")
    if exif is None and len(image.getexif()):
        exif = _descriptive(image.getexif())
    if exif is not None:
        exif = bytes(exif)
        while exif.startswith(EXIF_PREFIX):
            exif = exif[len(EXIF_PREFIX) :]
    return Metadata(icc or None, exif or None, xmp.strip(b"\0") and xmp if xmp else None)


def with_extended_xmp(image: Image.Image, metadata: Metadata) -> tuple[Metadata, str | None]:
    """Add the XMP that a JPEG file has in further segments; return a warning if it is lost."""
    segments = [
        data[len(EXTENSION) :]
        for name, data in getattr(image, "applist", [])
        if name == "APP1" and data.startswith(EXTENSION)
    ]
    if not segments:
        return metadata, None
    xmp = joined(metadata.xmp or b"", segments)
    if xmp is None:
        return metadata, "the extended XMP metadata are damaged and are left out"
    return replace(metadata, xmp=xmp), None


def bounded(metadata: Metadata) -> tuple[Metadata, str | None]:
    """Drop the longest parts if all together are too long to be read back; return a warning that names them."""
    sizes = {name: len(value or b"") for name, value in vars(metadata).items()}
    if sum(sizes.values()) <= _LONGEST:
        return metadata, None
    lost = [name for name, size in sizes.items() if size > _LONGEST // len(sizes)]
    note = f"metadata are too long and are left out: {', '.join(lost).upper()}"
    return replace(metadata, **dict.fromkeys(lost)), note


def _descriptive(exif: Image.Exif) -> bytes | None:
    """Build EXIF from the tags of a TIFF file that do not describe the file.

    A TIFF file has no EXIF block of its own.
    """
    kept = Image.Exif()
    for tag, value in exif.items():
        if tag not in _STRUCTURE and tag not in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            kept[tag] = value
    for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        if directory := exif.get_ifd(tag):
            kept[tag] = dict(directory)
    return kept.tobytes() if len(kept) else None


def exif_orientation(exif: bytes | None) -> int | None:
    """Return the orientation that a TIFF structure states, 1 … 8; None if it states none."""
    at = _orientation_at(exif) if exif else None
    if at is None or exif is None:
        return None
    kind, count = struct.unpack_from(_order(exif) + "HI", exif, at + 2)
    if kind not in _WHOLE_NUMBERS or count != 1:
        return None
    (value,) = struct.unpack_from(_order(exif) + _WHOLE_NUMBERS[kind], exif, at + 8)
    return int(value) if 1 <= value <= 8 else None


def with_orientation(metadata: Metadata, orientation: int) -> Metadata:
    """Set the orientation where EXIF or XMP state one; every other byte is kept."""
    exif, xmp = metadata.exif, metadata.xmp
    if exif and (at := _orientation_at(exif)) is not None:
        patched = bytearray(exif)
        struct.pack_into(_order(exif) + "HIH", patched, at + 2, _SHORT, 1, orientation)
        exif = bytes(patched)
    if xmp:
        xmp = _XMP_ORIENTATION.sub(rb"\g<1>" + str(orientation).encode(), xmp)
    return replace(metadata, exif=exif, xmp=xmp)


def without_thumbnails(metadata: Metadata) -> Metadata:
    """Remove thumbnails from EXIF and XMP, which would show what the picture no longer does."""
    exif, xmp = metadata.exif, metadata.xmp
    return replace(metadata, exif=exif and without_exif_thumbnail(exif), xmp=xmp and without_xmp_thumbnails(xmp))


def _order(exif: bytes) -> str:
    return "<" if exif[:2] == b"II" else ">"


def _orientation_at(exif: bytes) -> int | None:
    """Return the position of the orientation entry in the first directory; None if there is none."""
    if exif[:4] not in (b"II*\0", b"MM\0*") or len(exif) < 8:
        return None
    order = _order(exif)
    (directory,) = struct.unpack_from(order + "I", exif, 4)
    if directory + 2 > len(exif):
        return None
    (entries,) = struct.unpack_from(order + "H", exif, directory)
    for i in range(min(entries, _MAX_ENTRIES)):
        at: int = directory + 2 + 12 * i
        if at + 12 > len(exif):
            return None
        if struct.unpack_from(order + "H", exif, at) == (_ORIENTATION,):
            return at
    return None


def chunks_of(metadata: Metadata) -> dict[ChunkType, bytes]:
    """Convert metadata to chunk payloads."""
    parts = {ChunkType.ICC: metadata.icc, ChunkType.EXIF: metadata.exif, ChunkType.XMP: metadata.xmp}
    return {kind: payload for kind, payload in parts.items() if payload}


def metadata_of(chunks: Mapping[ChunkType, bytes]) -> Metadata:
    """Convert chunk payloads to metadata; inverse of :func:`chunks_of`."""
    return Metadata(chunks.get(ChunkType.ICC), chunks.get(ChunkType.EXIF), chunks.get(ChunkType.XMP))
