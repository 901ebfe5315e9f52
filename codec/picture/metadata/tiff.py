"""Parse directories of a TIFF structure, which is also the structure of EXIF, by byte positions."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAX_ENTRIES = 1000
"""Largest number of entries of a directory; larger directories are not read."""
_HEADER = 8
_ENTRY = 12
_INLINE = 4
"""Size, in bytes, up to which an entry stores its value inline."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes per number, by type."""
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I"}

Range = tuple[int, int]
"""First byte and the byte after the last."""


@dataclass(frozen=True)
class Entry:
    """A tag of a directory.

    Attributes:
        tag: number of the tag.
        kind: type of its numbers.
        count: number of values.
        value: position of the values.
    """

    tag: int
    kind: int
    count: int
    value: Range


@dataclass(frozen=True)
class Directory:
    """A directory and its position.

    ``next_at`` is the position of the offset of the next directory.
    """

    at: int
    entries: tuple[Entry, ...]
    next_at: int

    @property
    def ranges(self) -> Iterator[Range]:
        """The bytes of the directory and of its values."""
        yield self.at, self.next_at + 4
        yield from (entry.value for entry in self.entries)

    def entry(self, tag: int) -> Entry | None:
        """Return the first entry of a tag."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


def byte_order(data: bytes) -> str | None:
    """Return the byte order, ``<`` or ``>``; None if the data are not a TIFF structure."""
    if len(data) < _HEADER:
        return None
    return {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(data[:4]))


def first_directory(data: bytes, order: str) -> Directory | None:
    """Return the directory that the header points to; None if it is not within the data."""
    return directory_at(data, order, offset_at(data, order, 4))


def directory_at(data: bytes, order: str, at: int) -> Directory | None:
    """Return the directory at a position; None if it reaches beyond the data or has too many entries.

    A value that reaches beyond the data is cut off.
    """
    if at < _HEADER or at + 2 > len(data):
        return None
    (count,) = struct.unpack_from(order + "H", data, at)
    end = at + 2 + _ENTRY * count
    if count > MAX_ENTRIES or end + 4 > len(data):
        return None
    entries = []
    for place in range(at + 2, end, _ENTRY):
        tag, kind, number = struct.unpack_from(order + "HHI", data, place)
        length = _SIZES.get(kind, 0) * number
        start = place + 8 if length <= _INLINE else offset_at(data, order, place + 8)
        entries.append(Entry(tag, kind, number, (min(start, len(data)), min(start + length, len(data)))))
    return Directory(at, tuple(entries), end)


def offset_at(data: bytes, order: str, at: int) -> int:
    """Read a four-byte integer."""
    (value,) = struct.unpack_from(order + "I", data, at)
    return int(value)


def whole_numbers(data: bytes, order: str, entry: Entry | None) -> list[int]:
    """Return the integers of an entry that lie within the data; none for other types."""
    if entry is None or entry.kind not in _WHOLE:
        return []
    start, end = entry.value
    count = min(MAX_ENTRIES, entry.count, (end - start) // _SIZES[entry.kind])
    return list(struct.unpack_from(f"{order}{count}{_WHOLE[entry.kind]}", data, start))
