"""What an AVIF file says of its colours by code points, which Pillow leaves out."""

import struct
from collections.abc import Iterator

from PIL import Image

from aez.codec.picture.colour.cicp import Codes

_LONGEST = 2**20
"""Bytes of the description of a file; a longer one is not looked at."""
_MAX_BOXES = 64
"""That may lie before it."""
_FULL_BOX = 4
"""Bytes of version and flags."""


def avif_codes(image: Image.Image) -> Codes | None:
    """The code points of the main picture of an opened AVIF file; None if it has none, or a profile, which is first.

    They must be looked for before the image is loaded, since Pillow then lets the file go. Range and matrix concern
    samples that are converted already.
    """
    file = getattr(image, "fp", None)
    if image.format != "AVIF" or image.info.get("icc_profile") or file is None or file.closed:
        return None
    before = file.tell()
    try:
        file.seek(0)
        for _ in range(_MAX_BOXES):
            head = file.read(8)
            if len(head) < 8:
                return None
            size, kind = struct.unpack(">I4s", head)
            if kind == b"meta":
                return _codes_in(file.read(min(max(size - 8, 0), _LONGEST)))
            if size < 8:  # to the end of the file, or of more than 4 GiB
                return None
            file.seek(size - 8, 1)
        return None
    except (struct.error, IndexError):  # the description is cut off
        return None
    finally:
        file.seek(before)


def _codes_in(meta: bytes) -> Codes | None:
    boxes = dict(_boxes(meta[_FULL_BOX:]))
    main, properties = boxes.get(b"pitm", b""), dict(_boxes(boxes.get(b"iprp", b"")))
    (item,) = struct.unpack_from(">I" if main[0] else ">H", main, _FULL_BOX)
    found = list(_boxes(properties.get(b"ipco", b"")))
    for index in _properties_of(item, properties.get(b"ipma", b"")):
        if 0 < index <= len(found) and found[index - 1][0] == b"colr" and found[index - 1][1][:4] == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", found[index - 1][1], 4)
            return primaries, transfer, 0, 1
    return None


def _properties_of(item: int, table: bytes) -> Iterator[int]:
    """The numbers of an item's properties, from 1 on."""
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
    """Types and contents of the boxes that lie one behind the other."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size
