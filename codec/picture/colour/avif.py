"""Read the colour code points of AVIF files, which Pillow does not provide."""

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


def avif_codes(image: Image.Image) -> Codes | None:
    """Read the code points of the main picture of an opened AVIF file; return None if there are none.

    A profile takes precedence, so a file with a profile also gives None. This must be called before the image is
    loaded, since Pillow then closes the file. Pillow has already applied range and matrix to the samples.
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
            if size < 8:  # to the end of the file, or more than 4 GiB
                return None
            file.seek(size - 8, 1)
        return None
    except (struct.error, IndexError):  # the meta box is cut off
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
