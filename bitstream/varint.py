"""Unsigned LEB128 integers below 2**32, in their shortest form only (SPEC section 2)."""

from aez.bitstream.errors import FormatError, TruncatedError
from aez.bitstream.partial import FileBytes

MAX_VARINT = 2**32 - 1


def write_varint(value: int) -> bytes:
    """Return ``value`` (0 … 2**32 − 1) as 1 to 5 bytes.

    Raises:
        ValueError: ``value`` is out of range.
    """
    if not 0 <= value <= MAX_VARINT:
        raise ValueError(f"varint out of range: {value}")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes | memoryview | FileBytes, offset: int) -> tuple[int, int]:
    """Read one varint at ``offset``; return its value and the offset after it.

    Raises:
        TruncatedError: the data end inside the varint.
        FormatError: the varint is not in its shortest form, or is 2**32 or more.
    """
    value = 0
    for i in range(5):
        if offset + i >= len(data):
            raise TruncatedError("the file ends inside a number")
        byte = data[offset + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if (i > 0 and byte == 0) or value > MAX_VARINT:
                break
            return value, offset + i + 1
    raise FormatError("a number is not in its shortest form or too large")
