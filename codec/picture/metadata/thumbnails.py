"""Remove thumbnails from metadata, since they show the whole picture even if only a part of it is left."""

import struct
from collections.abc import Iterable

from aez.codec.picture.metadata.tiff import (
    Directory,
    Range,
    byte_order,
    directory_at,
    first_directory,
    offset_at,
    whole_numbers,
)

_SUB_DIRECTORIES = (330, 34665, 34853, 40965)
"""Tags that point to further directories: of images, EXIF, GPS and interoperability."""
_DATA = ((513, 514), (273, 279), (324, 325))
"""Tags with offsets and lengths of a thumbnail's bytes: as JPEG, in strips, in tiles."""
_MAX_DIRECTORIES = 32
_PADDING = 3
"""Zero bytes that may lie between values, which are aligned to two or four bytes."""
_XMP_THUMBNAILS = (b"xmp:Thumbnails", b"xap:Thumbnails")


def without_exif_thumbnail(exif: bytes) -> bytes:
    """Remove the directories after the first one, which describe thumbnails, and their data from a TIFF structure.

    All other bytes keep their position, since makers' notes may point to them. Removed bytes are cut off at the end of
    the data, and set to zero elsewhere.
    """
    order = byte_order(exif)
    first = first_directory(exif, order) if order else None
    if order is None or first is None or offset_at(exif, order, first.next_at) == 0:
        return exif
    patched = bytearray(exif)
    struct.pack_into("4x", patched, first.next_at)
    dropped: list[Range] = []
    for directory in _chain(exif, order, offset_at(exif, order, first.next_at), {first.at}):
        dropped.extend(directory.ranges)
        dropped.extend(_image_data(exif, order, directory))
    kept = [(0, 8), *(part for directory in _tree(exif, order, first) for part in directory.ranges)]
    for start, end in reversed(_without(dropped, kept)):
        if len(patched) - end <= _PADDING and not any(patched[end:]):
            del patched[start:]
        else:
            patched[start:end] = bytes(end - start)
    return bytes(patched)


def without_xmp_thumbnails(xmp: bytes) -> bytes:
    """Remove the elements with thumbnails from an XMP packet."""
    for name in _XMP_THUMBNAILS:
        parts, at = [], 0
        while (start := xmp.find(b"<" + name, at)) >= 0:
            end = xmp.find(b"</" + name + b">", start)
            if end < 0:
                break
            parts.append(xmp[at:start])
            at = end + len(name) + 3
        xmp = b"".join([*parts, xmp[at:]])
    return xmp


def _chain(exif: bytes, order: str, at: int, seen: set[int]) -> Iterable[Directory]:
    """Yield the directories of a chain, each of which points to the next one."""
    while at not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(at)
        directory = directory_at(exif, order, at)
        if directory is None:
            return
        yield directory
        at = offset_at(exif, order, directory.next_at)


def _tree(exif: bytes, order: str, first: Directory) -> list[Directory]:
    """Return the first directory and all directories that it points to by tags, at any depth."""
    found: list[Directory] = []
    waiting, seen = [first], {first.at}
    while waiting and len(found) < _MAX_DIRECTORIES:
        directory = waiting.pop(0)
        found.append(directory)
        for tag in _SUB_DIRECTORIES:
            for at in whole_numbers(exif, order, directory.entry(tag))[:_MAX_DIRECTORIES]:
                if at not in seen and (below := directory_at(exif, order, at)):
                    waiting.append(below)
                    seen.add(at)
    return found


def _image_data(exif: bytes, order: str, directory: Directory) -> Iterable[Range]:
    for offsets, lengths in _DATA:
        starts = whole_numbers(exif, order, directory.entry(offsets))
        for start, length in zip(starts, whole_numbers(exif, order, directory.entry(lengths)), strict=False):
            yield min(start, len(exif)), min(start + length, len(exif))


def _without(dropped: Iterable[Range], kept: Iterable[Range]) -> list[Range]:
    """Return the bytes that the dropped ranges cover and the kept ones do not, as ordered, separate ranges."""
    out: list[Range] = []
    keep = _merged(kept)
    i = 0
    for start, end in _merged(dropped):
        while i < len(keep) and keep[i][1] <= start:
            i += 1
        j = i
        while j < len(keep) and keep[j][0] < end:
            if keep[j][0] > start:
                out.append((start, keep[j][0]))
            start = max(start, keep[j][1])
            j += 1
        if start < end:
            out.append((start, end))
    return out


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """Sort ranges and merge those that touch."""
    out: list[Range] = []
    for start, end in sorted(r for r in ranges if r[0] < r[1]):
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(out[-1][1], end)
        else:
            out.append((start, end))
    return out
