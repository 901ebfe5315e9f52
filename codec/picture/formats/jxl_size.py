"""Read the size of a JPEG XL picture from its header.

Pillow's plugin decodes the whole file before it tells the size.
"""

import struct

_CODESTREAM = b"\xff\x0a"
_NEEDED = 16
"""Bytes of a codestream that hold its size."""
_SIDE_BITS = (9, 13, 18, 30)
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def jxl_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height as a JPEG XL file states them; None if it states none."""
    stream = data[:_NEEDED] if data.startswith(_CODESTREAM) else _start_of_stream(data)
    if not stream.startswith(_CODESTREAM):
        return None
    bits = _Bits(stream.ljust(_NEEDED, b"\0"), 8 * len(_CODESTREAM))
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    if ratio == 0:
        return _side(bits, small), height
    times, over = _RATIOS[ratio - 1]
    return height * times // over, height


class _Bits:
    """Reader of the bits of little-endian data, lowest bit first."""

    def __init__(self, data: bytes, at: int) -> None:
        self.value = int.from_bytes(data, "little") >> at

    def take(self, count: int) -> int:
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        return taken


def _side(bits: _Bits, small: int) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return 1 + bits.take(_SIDE_BITS[bits.take(2)])


def _start_of_stream(data: bytes) -> bytes:
    """Collect the first bytes of the codestream of a container, which may be spread over several boxes."""
    stream, at = b"", 0
    while at + 8 <= len(data) and len(stream) < _NEEDED:
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1 and at + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = len(data) if length == 0 else at + length
        if end < start:
            break
        if kind == b"jxlc":
            return data[start : min(end, start + _NEEDED)]
        if kind == b"jxlp":
            stream += data[start + 4 : min(end, start + 4 + _NEEDED)]  # after the box's sequence number
        at = end
    return stream
