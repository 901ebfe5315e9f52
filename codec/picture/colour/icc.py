"""Small ICC profiles (version 4), made of primaries and a tone curve."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue, in this order, as PNG's cHRM has them."""
_D50 = np.array([0.9642, 1.0, 0.8249])
"""White of the space in which profiles are joined."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_LARGEST = 32000.0
"""Of the numbers that profiles hold in 16.16 bits."""
_SMALLEST_DETERMINANT = 1e-6


@dataclass(frozen=True)
class Curve:
    """From samples, 0 … 1, to light, as an ICC curve holds it.

    Attributes:
        parameters: of the parametric curve: g alone for x^g; or g, a, b, c, d for (ax + b)^g from d on and cx below.
        narrow: black is the sample 16/255 and white 235/255, as in video, not 0 and 1.
    """

    parameters: tuple[float, ...]
    narrow: bool = False

    def payload(self) -> bytes:
        """The tag of a profile."""
        if self.narrow:
            light = self.light((np.arange(256) - 16) / (235 - 16))
            return b"curv" + struct.pack(">4xI256H", 256, *(round(65535 * float(value)) for value in light))
        kind = {1: 0, 5: 3}[len(self.parameters)]
        return b"para" + struct.pack(">4xHxx", kind) + _fixed(self.parameters)

    def light(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """The curve itself, for samples that are cut to 0 … 1."""
        x = np.clip(samples, 0, 1)
        if len(self.parameters) == 1:
            return np.asarray(x ** self.parameters[0])
        g, a, b, c, d = self.parameters
        return np.where(x >= d, np.maximum(a * x + b, 0) ** g, c * x)


def rgb_profile(name: str, chromaticities: Chromaticities, curve: Curve) -> bytes | None:
    """A profile for RGB samples; None if such primaries make no colour space.

    Args:
        name: what programs show, ASCII.
        chromaticities: those of white and of the primaries.
        curve: that of all three channels.
    """
    white = _xyz(chromaticities[:2])
    primaries = [_xyz(chromaticities[i : i + 2]) for i in (2, 4, 6)]
    if white is None or any(primary is None for primary in primaries):
        return None
    matrix = np.stack([primary for primary in primaries if primary is not None], axis=1)
    if abs(np.linalg.det(matrix)) < _SMALLEST_DETERMINANT:
        return None
    adaptation, luminances = _adaptation(white), np.linalg.solve(matrix, white)
    columns = adaptation @ (matrix * luminances)
    if (luminances <= 0).any() or not (np.abs(columns) < _LARGEST).all():
        return None
    tags = _common_tags(name, adaptation)
    tags += [(tag, _xyz_tag(columns[:, i])) for i, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    tags += [(tag, curve.payload()) for tag in (b"rTRC", b"gTRC", b"bTRC")]
    return assembled(b"RGB ", tags)


def grey_profile(name: str, chromaticities: Chromaticities, curve: Curve) -> bytes | None:
    """As :func:`rgb_profile` for grey samples; of the chromaticities only white's counts."""
    white = _xyz(chromaticities[:2])
    if white is None:
        return None
    return assembled(b"GRAY", [*_common_tags(name, _adaptation(white)), (b"kTRC", curve.payload())])


def assembled(space: bytes, tags: Sequence[tuple[bytes, bytes]], version: int = 0x04300000) -> bytes:
    """A profile of a monitor for samples of a space, with these tags; equal ones are stored once."""
    start = 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    table, data = struct.pack(">I", len(tags)), b""
    for signature, payload in tags:
        if payload not in places:
            places[payload] = start + len(data)
            data += payload + b"\0" * (-len(payload) % 4)
        table += struct.pack(">4sII", signature, places[payload], len(payload))
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x", start + len(data), version, b"mntr", space, b"XYZ ", b"acsp"
    )  # sizes, version, class, spaces, no date; no platform, device or intent
    return (header + _fixed(_D50)).ljust(128, b"\0") + table + data


def _common_tags(name: str, adaptation: NDArray[np.float64]) -> list[tuple[bytes, bytes]]:
    return [
        (b"desc", _text(name)),
        (b"cprt", _text("CC0")),
        (b"wtpt", _xyz_tag(_D50)),
        (b"chad", b"sf32" + b"\0" * 4 + _fixed(adaptation.ravel())),
    ]


def _adaptation(white: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bradford's from a white to D50."""
    gains = (_BRADFORD @ _D50) / np.maximum(_BRADFORD @ white, 1e-3)
    return np.asarray(np.linalg.inv(_BRADFORD) @ (gains[:, None] * _BRADFORD))


def _xyz(chromaticity: Sequence[float]) -> NDArray[np.float64] | None:
    """The colour of luminance 1; None if there is none."""
    x, y = chromaticity
    if not (0 <= x <= 1 and 0 < y <= 1 and x + y <= 1.001) or x / y > _LARGEST or 1 / y > _LARGEST:
        return None
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(data), 28) + data


def _xyz_tag(colour: NDArray[np.float64]) -> bytes:
    return b"XYZ " + b"\0" * 4 + _fixed(colour)


def _fixed(values: Sequence[float] | NDArray[np.float64]) -> bytes:
    """Signed numbers of 16.16 bits."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)
