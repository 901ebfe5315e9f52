"""Write small ICC profiles (version 4) from primaries and a tone curve."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue, in this order, as in PNG's cHRM."""
_D50 = np.array([0.9642, 1.0, 0.8249])
"""White of the profile connection space."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_LARGEST = 32000.0
"""Largest number that profiles store in 16.16 bits."""
_SMALLEST_DETERMINANT = 1e-6


@dataclass(frozen=True)
class Curve:
    """A tone curve from samples, 0 … 1, to light, as an ICC profile stores it.

    Attributes:
        parameters: of the parametric curve: g alone for x^g; or g, a, b, c, d for (ax + b)^g from d on and cx below d.
        narrow: black is the sample 16/255 and white is 235/255, as in video, not 0 and 1.
    """

    parameters: tuple[float, ...]
    narrow: bool = False

    def payload(self) -> bytes:
        """Write the curve as a profile's tag."""
        if self.narrow:
            light = self.light((np.arange(256) - 16) / (235 - 16))
            return b"curv" + struct.pack(">4xI256H", 256, *(round(65535 * float(value)) for value in light))
        kind = {1: 0, 5: 3}[len(self.parameters)]
        return b"para" + struct.pack(">4xHxx", kind) + _fixed(self.parameters)

    def light(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply the curve to samples, which are clipped to 0 … 1."""
        x = np.clip(samples, 0, 1)
        if len(self.parameters) == 1:
            return np.asarray(x ** self.parameters[0])
        g, a, b, c, d = self.parameters
        return np.where(x >= d, np.maximum(a * x + b, 0) ** g, c * x)


def rgb_profile(name: str, chromaticities: Chromaticities, curve: Curve) -> bytes | None:
    """Write a profile for RGB samples; return None if the primaries do not span a colour space.

    Args:
        name: name that programs display, ASCII.
        chromaticities: chromaticities of white and of the primaries.
        curve: curve of all three channels.
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
    """Write a profile for grey samples as :func:`rgb_profile` does; of the chromaticities, only white counts."""
    white = _xyz(chromaticities[:2])
    if white is None:
        return None
    return assembled(b"GRAY", [*_common_tags(name, _adaptation(white)), (b"kTRC", curve.payload())])


def assembled(space: bytes, tags: Sequence[tuple[bytes, bytes]], version: int = 0x04300000) -> bytes:
    """Write a monitor profile with these tags for samples of a colour space; equal tags are stored once."""
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
    """Return Bradford's adaptation matrix from a white point to D50."""
    gains = (_BRADFORD @ _D50) / np.maximum(_BRADFORD @ white, 1e-3)
    return np.asarray(np.linalg.inv(_BRADFORD) @ (gains[:, None] * _BRADFORD))


def _xyz(chromaticity: Sequence[float]) -> NDArray[np.float64] | None:
    """Return XYZ of a chromaticity at luminance 1; None if it is not a colour."""
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
    """Encode signed numbers in 16.16 bits."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)
