"""Read JPEG files whose end is missing, for example after an interrupted transfer."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_MISSING = 1 / 20
"""Largest share of a picture's pixels that may be missing."""
_SIGNATURE, _END = b"\xff\xd8\xff", b"\xff\xd9"
# Bytes that no encoder writes (0xFF would be a marker): pixels change where the last scan continues into them.
_NOISE = bytes(range(255)) * 257
_BLOCK = 8
_START_OF_SCAN = 0xDA
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_COEFFICIENTS = 64


def completed(data: bytes) -> bytes | None:
    """Complete a JPEG file that Pillow rejects with an end marker.

    Return None if the data are another file, or if too much is missing: every scan must have begun, and the missing
    part of the last scan may affect at most ``MOST_MISSING`` of the pixels.
    """
    if not data.startswith(_SIGNATURE):
        return None
    try:
        progressive = last_scan_is_progressive(data)
        if progressive is None:
            return None
        samples = _decoded(data + _END)
        missing = changed_share(samples, _decoded(data + _NOISE + _END)) if progressive else missing_share(samples)
    except Exception:  # damaged in another way, which the first error describes
        return None
    return data + _END if missing <= MOST_MISSING else None


def _decoded(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def last_scan_is_progressive(data: bytes) -> bool | None:
    """Check whether the scans of a JPEG file are progressive; return None unless the last scan has begun."""
    open_values: dict[int, set[int]] = {}
    progressive, at = False, 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        marker = data[at + 1]
        at += 1
        if marker in (0, 0xFF) or marker in _WITHOUT_LENGTH:
            continue
        (length,) = struct.unpack_from(">H", data, at + 1)
        segment = data[at + 3 : at + 1 + length]
        if len(segment) + 2 < length:
            return None
        if marker in _FRAMES:
            progressive = marker in _PROGRESSIVE
            open_values = {segment[6 + 3 * i]: set(range(_COEFFICIENTS)) for i in range(segment[5])}
        elif marker == _START_OF_SCAN:
            count = segment[0]
            if not progressive and count < len(open_values):
                return None  # a missing colour component does not show as grey
            first, last, bits = segment[1 + 2 * count : 4 + 2 * count]
            if not progressive or bits & 15 == 0:
                for i in range(count):
                    open_values[segment[1 + 2 * i]] -= set(range(first, last + 1))
        at += 1 + length
    return progressive if open_values and not any(open_values.values()) else None


def missing_share(samples: NDArray[np.uint8]) -> float:
    """Return the share of pixels at the end of a picture for which the decoder had no data.

    The decoder leaves such pixels at middle grey.

    Args:
        samples: (H, W) or (H, W, C) uint8, as decoded.
    """
    planes = samples.reshape(*samples.shape[:2], -1)
    missing = 0
    for row in planes[::-1]:
        seen = np.flatnonzero(((row != 127) & (row != 128)).any(axis=1))
        run = len(row) if not len(seen) else len(row) - 1 - int(seen[-1])
        if run == 0:
            break
        missing += run
    return missing / (planes.shape[0] * planes.shape[1])


def changed_share(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the share of pixels, in scan order, from the first block in which two pictures differ.

    Args:
        one: (H, W) or (H, W, C) uint8.
        other: of the same shape.
    """
    height, width = one.shape[:2]
    changed = (one != other).reshape(height, width, -1).any(axis=2)
    rows = np.flatnonzero(changed.any(axis=1))
    if not len(rows):
        return 0.0
    top = int(rows[0]) // _BLOCK * _BLOCK
    band = changed[top : top + _BLOCK]
    left = int(np.flatnonzero(band.any(axis=0))[0])
    return (len(band) * (width - left) + width * (height - top - len(band))) / (height * width)
