"""Resolution of pictures in dots per inch: kept in EXIF, and written to each format's own field."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from PIL import Image

from aez.codec.picture.metadata.tiff import Entry, byte_order, first_directory, offset_at, whole_numbers

_X, _Y, _UNIT = 282, 283, 296
_SHORT, _RATIONAL = 3, 5
_NO_UNIT, _INCH, _CM = 1, 2, 3
_CM_PER_INCH = 2.54
_UNKNOWN = 72.0
"""Value of EXIF for an unknown resolution."""
_LIMITS = (1.0, 1e7)
"""Plausible dots per inch, exclusive; TIFF readers give 1 for files that state none."""
_ROUNDED = 0.02
"""Rounding error, in dots per inch, of formats that count dots per metre."""
_SAME = 0.01
"""Relative difference below which two resolutions count as the same."""
_OF_THE_FORMAT = ("PNG", "JPEG", "MPO", "BMP", "DIB")
"""Formats with a field for the resolution that Pillow writes."""
_JPEG_LARGEST = 65535


@dataclass(frozen=True)
class Resolution:
    """Dots per unit across and down.

    ``unit`` is EXIF's tag: 1 (only the ratio of x and y counts), 2 (inch) or 3 (cm).
    """

    x: Fraction
    y: Fraction
    unit: int

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Dots per inch; None if only the ratio counts."""
        if self.unit == _NO_UNIT:
            return None
        scale = _CM_PER_INCH if self.unit == _CM else 1.0
        return float(self.x) * scale, float(self.y) * scale

    @property
    def is_unknown(self) -> bool:
        """Check whether the resolution is the value that stands for an unknown one."""
        return self.dpi == (_UNKNOWN, _UNKNOWN)


def with_file_resolution(image: Image.Image, exif: bytes | None) -> tuple[bytes | None, str | None]:
    """Add the resolution of an opened picture's file to EXIF; return a warning if it is lost.

    EXIF that states a resolution already stays unchanged.
    """
    own = _resolution_in(image)
    if own is None:
        return exif, None
    stated = resolution_of(exif)
    if stated is None:
        made = with_resolution(exif, own)
        return (exif, "the resolution is left out: EXIF metadata are damaged") if made is None else (made, None)
    if own.dpi is None or stated.dpi is None or own.is_unknown or np.allclose(own.dpi, stated.dpi, rtol=_SAME, atol=0):
        return exif, None
    return exif, f"the resolution of {own.dpi[0]:.6g} dpi is left out: EXIF says {stated.dpi[0]:.6g} dpi"


def _resolution_in(image: Image.Image) -> Resolution | None:
    """Return the resolution that Pillow found outside of EXIF."""
    info = image.info
    if "jfif_unit" in info:
        unit = {1: _INCH, 2: _CM}.get(info["jfif_unit"], _NO_UNIT)
        return _sound(info.get("jfif_density"), unit)
    if image.format in ("JPEG", "MPO", "TIFF"):
        # Pillow's values come from EXIF or from tags, which are kept, or are made up.
        return None
    return _sound(info.get("dpi"), _INCH) or _sound(info.get("aspect"), _NO_UNIT)


def _sound(values: Any, unit: int) -> Resolution | None:
    """Return a resolution if the two values are plausible; a ratio of 1 is the default and gives None."""
    if not isinstance(values, tuple) or len(values) != 2:
        return None
    try:
        x, y = (float(value) for value in values)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    low, high = _LIMITS if unit != _NO_UNIT else (0.0, _LIMITS[1])
    if not (low < x < high and low < y < high) or (unit == _NO_UNIT and x == y):
        return None
    return Resolution(_fraction(x), _fraction(y), unit)


def _fraction(value: float) -> Fraction:
    whole = round(value)
    if whole and abs(value - whole) < _ROUNDED:
        return Fraction(whole)
    return Fraction(value).limit_denominator(min(10000, int(2**32 / (value + 1))))


def resolution_of(exif: bytes | None) -> Resolution | None:
    """Return the resolution that EXIF states; None if it states none or an invalid one."""
    order = byte_order(exif) if exif else None
    directory = first_directory(exif, order) if exif and order else None
    if exif is None or order is None or directory is None:
        return None
    x, y = (_rational(exif, order, directory.entry(tag)) for tag in (_X, _Y))
    unit = (whole_numbers(exif, order, directory.entry(_UNIT)) or [_INCH])[0]
    if x is None or y is None or unit not in (_NO_UNIT, _INCH, _CM):
        return None
    return Resolution(x, y, unit)


def _rational(exif: bytes, order: str, entry: Entry | None) -> Fraction | None:
    """Return a positive fraction; None for any other value."""
    if entry is None or (entry.kind, entry.count) != (_RATIONAL, 1) or entry.value[1] - entry.value[0] != 8:
        return None
    above, below = struct.unpack_from(order + "II", exif, entry.value[0])
    return Fraction(above, below) if above and below else None


def with_resolution(exif: bytes | None, resolution: Resolution) -> bytes | None:
    """Set the resolution in EXIF; return None if EXIF is damaged.

    A new first directory is appended, so that every other byte keeps its position.
    """
    exif = exif or b"II*\0\0\0\0\0"
    order = byte_order(exif)
    if order is None:
        return None
    old, following = b"", 0
    if offset_at(exif, order, 4):
        directory = first_directory(exif, order)
        if directory is None:
            return None
        old, following = exif[directory.at + 2 : directory.next_at], offset_at(exif, order, directory.next_at)
    kept = [old[i : i + 12] for i in range(0, len(old), 12)]
    kept = [entry for entry in kept if struct.unpack_from(order + "H", entry)[0] not in (_X, _Y, _UNIT)]
    at = len(exif) + len(exif) % 2
    values_at = at + 2 + 12 * (len(kept) + 3) + 4
    entries = [
        *kept,
        struct.pack(order + "HHII", _X, _RATIONAL, 1, values_at),
        struct.pack(order + "HHII", _Y, _RATIONAL, 1, values_at + 8),
        struct.pack(order + "HHIHxx", _UNIT, _SHORT, 1, resolution.unit),
    ]
    entries.sort(key=lambda entry: int(struct.unpack_from(order + "H", entry)[0]))
    values = (*resolution.x.as_integer_ratio(), *resolution.y.as_integer_ratio())
    return b"".join(
        [
            exif[:4],
            struct.pack(order + "I", at),
            exif[8:].ljust(at - 8, b"\0"),
            struct.pack(order + "H", len(entries)),
            *entries,
            struct.pack(order + "I4I", following, *values),
        ]
    )


def resolution_alone(exif: bytes | None) -> bytes | None:
    """Build EXIF that holds only the resolution of other EXIF; return None if it states none."""
    resolution = resolution_of(exif)
    return with_resolution(None, resolution) if resolution else None


def is_resolution_alone(exif: bytes) -> bool:
    """Check whether EXIF states nothing but a resolution."""
    order = byte_order(exif)
    directory = first_directory(exif, order) if order else None
    if order is None or directory is None or offset_at(exif, order, directory.next_at):
        return False
    return {entry.tag for entry in directory.entries} <= {_X, _Y, _UNIT}


def transposed(exif: bytes) -> bytes:
    """Exchange the resolutions across and down in EXIF, for a picture whose rows have become columns."""
    order = byte_order(exif)
    directory = first_directory(exif, order) if order else None
    if order is None or directory is None or resolution_of(exif) is None:
        return exif
    places = [entry.value for entry in (directory.entry(_X), directory.entry(_Y)) if entry]
    out = bytearray(exif)
    for (start, end), (other, other_end) in zip(places, reversed(places), strict=True):
        out[start:end] = exif[other:other_end]
    return bytes(out)


def is_unknown(exif: bytes) -> bool:
    """Check whether EXIF states the value that stands for an unknown resolution."""
    resolution = resolution_of(exif)
    return resolution is not None and resolution.is_unknown


def resolution_options(exif: bytes | None, kind: str) -> dict[str, Any]:
    """Return arguments of Pillow's ``save`` that write EXIF's resolution to the format's own field."""
    resolution = resolution_of(exif)
    dpi = resolution.dpi if resolution and kind in _OF_THE_FORMAT else None
    if dpi is None or not all(_LIMITS[0] < value < _LIMITS[1] for value in dpi):
        return {}
    if kind in ("JPEG", "MPO") and max(dpi) > _JPEG_LARGEST:
        return {}
    return {"dpi": dpi}
