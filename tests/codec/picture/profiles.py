"""ICC profiles and PNG chunks for tests."""

import io
import struct
import zlib

from PIL import Image

from aez.codec.picture.colour.cicp import SRGB_CURVE, SRGB_PRIMARIES, colour_of
from aez.codec.picture.colour.icc import Chromaticities, Curve, assembled, grey_profile, rgb_profile

LINEAR = Curve((1.0,))
ADOBE: Chromaticities = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
# Facebook's "c2", which has curves of 26 points, and the usual primaries of sRGB profiles.
C2_CURVE = (
    *(0, 203, 457, 867, 1426, 2155, 3062, 4159, 5457, 6964, 8689, 10640, 12824, 15250, 17925, 20855, 24045, 27504),
    *(31237, 35249, 39548, 44137, 49021, 54211, 59696, 65535),
)
C2_PRIMARIES = ((0x6FA2, 0x38F5, 0x390), (0x6299, 0xB785, 0x18DA), (0x24A0, 0xF84, 0xB6CF))


def rgb(name: str = "a name", chromaticities: Chromaticities = SRGB_PRIMARIES, curve: Curve = SRGB_CURVE) -> bytes:
    profile = rgb_profile(name, chromaticities, curve)
    assert profile is not None
    return profile


def grey(curve: Curve = SRGB_CURVE) -> bytes:
    profile = grey_profile("a name", SRGB_PRIMARIES, curve)
    assert profile is not None
    return profile


def version_2(curve: tuple[int, ...], white: tuple[int, int, int] = (0xF6D6, 0x10000, 0xD32D)) -> bytes:
    """Build a profile with the primaries of sRGB and a curve that is a table of 16-bit values."""

    def xyz(values: tuple[int, int, int]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3I", *values)

    table = b"curv" + struct.pack(f">4xI{len(curve)}H", len(curve), *curve)
    tags = [
        (b"desc", b"desc" + struct.pack(">4xI", 3) + b"c2\0" + b"\0" * 78),
        (b"cprt", b"text\0\0\0\0FB\0"),
        (b"wtpt", xyz(white)),
        *zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz, C2_PRIMARIES), strict=True),
        *((tag, table) for tag in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    return assembled(b"RGB ", tags, 0x02100000)


def display_p3() -> bytes:
    colour = colour_of(12, 13, True)
    assert not isinstance(colour, str)
    return rgb("Display P3", colour.chromaticities, colour.curve)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(image: Image.Image, *chunks: bytes, **options: object) -> bytes:
    """Write a PNG file with these chunks after its header."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    data = buffer.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


def srgb_table(points: int) -> tuple[int, ...]:
    """Return the curve of sRGB in 16 bits."""
    steps = (i / (points - 1) for i in range(points))
    return tuple(round(65535 * (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4)) for x in steps)
