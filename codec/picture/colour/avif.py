"""Read the colour code points and the depth of AVIF files, which Pillow does not provide."""

import struct
from collections.abc import Iterator

from PIL import Image

from aez.codec.picture.colour.cicp import Codes

_LONGEST = 2**20
"""Largest size of a file's meta box, in bytes; a longer one is not read."""
_MAX_BOXES = 64
"""Largest number of boxes before the meta box."""
_FULL_BOX = 4
"""Size of version and flags of a full box, in bytes."""
_NCLX = 8
"""Smallest size of a colour box with code points, in bytes."""


def avif_codes(image: Image.Image) -> Codes | None:
    """Read the code points of the main picture of an opened AVIF file; return None if there are none.

    A profile takes precedence, so a file with a profile also gives None. This must be called before the image is
    loaded, since Pillow then closes the file. Pillow has already applied range and matrix to the samples.
    """
    if image.info.get("icc_profile"):
        return None
    for kind, content in _main_properties(image):
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= _NCLX:
            primaries, transfer = struct.unpack_from(">HH", content, 4)
            return primaries, transfer, 0, 1
    return None


def avif_depth(image: Image.Image) -> int:
    """Read the bits per sample of the main picture of an opened AVIF file, of which Pillow gives 8; 8 if unknown.

    As :func:`avif_codes`, this must be called before the image is loaded.
    """
    for kind, content in _main_properties(image):
        if kind == b"pixi" and len(content) > _FULL_BOX + 1:
            return max(content[_FULL_BOX + 1 :])
        if kind == b"av1C" and len(content) > 2 and content[2] & 0x40:
            return 12 if content[2] & 0x20 else 10
    return 8


def _main_properties(image: Image.Image) -> list[tuple[bytes, bytes]]:
    """Return types and contents of the properties of the main picture of an opened AVIF file."""
    file = getattr(image, "fp", None)
    if image.format != "AVIF" or file is None or file.closed:
        return []
    before = file.tell()
    try:
        file.seek(0)
        for _ in range(_MAX_BOXES):
            head = file.read(8)
            if len(head) < 8:
                return []
            size, kind = struct.unpack(">I4s", head)
            if kind == b"meta":
                return list(_properties_in(file.read(min(max(size - 8, 0), _LONGEST))))
            if size < 8:  # to the end of the file, or more than 4 GiB
                return []
            file.seek(size - 8, 1)
        return []
    except (struct.error, IndexError):  # the meta box is cut off
        return []
    finally:
        file.seek(before)


def _properties_in(meta: bytes) -> Iterator[tuple[bytes, bytes]]:
    boxes = dict(_boxes(meta[_FULL_BOX:]))
    main, properties = boxes.get(b"pitm", b""), dict(_boxes(boxes.get(b"iprp", b"")))
    (item,) = struct.unpack_from(">I" if main[0] else ">H", main, _FULL_BOX)
    found = list(_boxes(properties.get(b"ipco", b"")))
    for index in _properties_of(item, properties.get(b"ipma", b"")):
        if 0 < index <= len(found):
            yield found[index - 1]


def _properties_of(item: int, table: bytes) -> Iterator[int]:
    """Yield the numbers of an item's properties, which count from 1."""
    version, wide = table[0], table[3] & 1
    (count,) = struct.unpack_from(">I", table, _FULL_BOX)
    at = _FULL_BOX + 4
    for _ in range(count):
        (name,) = struct.unpack_from(">I" if version else ">H", table, at)
        at += 4 if version else 2
        number, at = table[at], at + 1
        if name == item:
            indices = struct.unpack_from(f">{number}{'H' if wide else 'B'}", table, at)
            yield from (index & (0x7FFF if wide else 0x7F) for index in indices)
        at += number * (2 if wide else 1)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield types and contents of consecutive boxes."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size
