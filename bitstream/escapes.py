"""Escape codes for values beyond the bounds of their table: signed Exp-Golomb codes (SPEC section 7.3)."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError, TruncatedError

MAX_MAGNITUDE = 2**15 - 1
_MAX_PREFIX = 15


def write_escapes(excess: Iterable[int]) -> bytes:
    """Encode signed excesses ±(|r| − L), never 0, as bytes; the last byte is padded with zero bits."""
    bits: list[str] = []
    for value in excess:
        magnitude = bin(abs(value))[2:]
        bits.append("0" * (len(magnitude) - 1) + magnitude + ("1" if value < 0 else "0"))
    string = "".join(bits)
    string += "0" * (-len(string) % 8)
    return int(string, 2).to_bytes(len(string) // 8, "big") if string else b""


def check_length(data: bytes, count: int) -> None:
    """Refuse data that are too short for ``count`` codes, of at least 2 bits each, before memory is taken for them.

    Raises:
        TruncatedError: they are.
    """
    if count * 2 > len(data) * 8:
        raise TruncatedError("the escape stream is too short")


def read_escapes(data: bytes, count: int) -> NDArray[np.int32]:
    """Decode ``count`` signed excesses.

    Raises:
        TruncatedError: the data hold fewer codes.
        FormatError: a code is too long, or bits are left over.
    """
    check_length(data, count)
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    ones = np.flatnonzero(bits)
    out = np.zeros(count, dtype=np.int32)
    at = 0
    for i in range(count):
        k = int(np.searchsorted(ones, at))
        if k == len(ones):
            raise TruncatedError("the escape stream is too short")
        prefix = int(ones[k]) - at
        if prefix > _MAX_PREFIX:
            raise FormatError("an escape code is too long")
        end = at + 2 * prefix + 1
        if end >= len(bits):
            raise TruncatedError("the escape stream is too short")
        value = 0
        for bit in bits[at + prefix : end].tolist():
            value = value << 1 | bit
        out[i] = -value if bits[end] else value
        at = end + 1
    if len(bits) - at >= 8 or bits[at:].any():
        raise FormatError("the escape stream has bits left over")
    return out
