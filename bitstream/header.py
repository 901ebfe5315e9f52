"""The HEADER chunk's payload (SPEC section 4)."""

import struct
from dataclasses import dataclass

from aez.bitstream.errors import NEWER, FormatError, TruncatedError
from aez.bitstream.varint import read_varint, write_varint

MAX_SIDE = 65535
FINGERPRINT_BYTES = 6
COLOURS = ("RGB", "grey", "grey RGB")
DEPTHS = (8, 10, 12, 16)
LATENT_STRIDE = 16
HYPER_STRIDE = 64
MIN_TILE_LOG2, MAX_TILE_LOG2 = 4, 12


@dataclass(frozen=True)
class Header:
    """Fields that a decoder must know before it reads a stream.

    Attributes:
        width: columns of the picture as stored (before ``orientation`` is applied), 1 … 65535 pixels.
        height: rows of the picture as stored, 1 … 65535 pixels.
        fingerprint: 6 bytes that name the model (SPEC section 8).
        quality: quality position, quality point × 256, 0 … 65535; the valid range depends on the model.
        colour: ``"RGB"``, ``"grey"``, or ``"grey RGB"``, which is RGB with three equal samples, coded as grey.
        depth: bits per sample, 8, 10, 12 or 16.
        alpha: whether an ALPHA chunk follows.
        orientation: how to turn the decoded picture for display, as EXIF's tag 274, 1 … 8.
        layout: latent layout, 0 … 31; 0 is the hyperprior layout of SPEC section 5.
        tile_log2: log2 of the side of the tiles of r, in latents; 0 for a single tile.
    """

    width: int
    height: int
    fingerprint: bytes
    quality: int
    colour: str = "RGB"
    depth: int = 8
    alpha: bool = False
    orientation: int = 1
    layout: int = 0
    tile_log2: int = 0

    @property
    def grey(self) -> bool:
        """True if the picture is coded as a grey one."""
        return self.colour != "RGB"

    @property
    def latent_shape(self) -> tuple[int, int]:
        """Rows and columns of the latents y (1/16 of the picture, rounded up)."""
        return -(-self.height // LATENT_STRIDE), -(-self.width // LATENT_STRIDE)

    @property
    def hyper_shape(self) -> tuple[int, int]:
        """Rows and columns of the hyper-latents z (1/64 of the picture, rounded up)."""
        return -(-self.height // HYPER_STRIDE), -(-self.width // HYPER_STRIDE)

    def tiles(self) -> list[tuple[slice, slice]]:
        """Return row and column slices of every tile in the latent grid, in raster order."""
        rows, cols = self.latent_shape
        if self.tile_log2 == 0:
            return [(slice(0, rows), slice(0, cols))]
        side = 1 << self.tile_log2
        return [
            (slice(i, min(i + side, rows)), slice(j, min(j + side, cols)))
            for i in range(0, rows, side)
            for j in range(0, cols, side)
        ]

    def tile_count(self) -> int:
        """Return the number of TILE chunks."""
        if self.tile_log2 == 0:
            return 1
        rows, cols = self.latent_shape
        side = 1 << self.tile_log2
        return -(-rows // side) * -(-cols // side)

    def to_bytes(self) -> bytes:
        """Serialise the header as the chunk's payload.

        Raises:
            ValueError: a field is outside its range.
        """
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise ValueError(f"a picture of {self.width}×{self.height} does not fit: sides are 1 to {MAX_SIDE} pixels")
        if len(self.fingerprint) != FINGERPRINT_BYTES:
            raise ValueError("a fingerprint has 6 bytes")
        if not 0 <= self.quality <= 0xFFFF:
            raise ValueError("quality position out of range")
        if not 0 <= self.layout <= 31 or not 1 <= self.orientation <= 8:
            raise ValueError("layout or orientation out of range")
        if self.tile_log2 and not MIN_TILE_LOG2 <= self.tile_log2 <= MAX_TILE_LOG2:
            raise ValueError("tile size out of range")
        pixel = (
            COLOURS.index(self.colour) | self.alpha << 2 | (self.orientation - 1) << 3 | DEPTHS.index(self.depth) << 6
        )
        layout = self.layout | (0x80 if self.tile_log2 else 0)
        out = write_varint(self.width) + write_varint(self.height) + bytes([pixel, layout])
        out += self.fingerprint + struct.pack("<H", self.quality)
        return out + (bytes([self.tile_log2]) if self.tile_log2 else b"")

    @classmethod
    def from_bytes(cls, payload: bytes | memoryview) -> "Header":
        """Parse and check a payload.

        Raises:
            FormatError: a field is out of range, a reserved bit is set, or bytes are missing or left over.
        """
        width, at = read_varint(payload, 0)
        height, at = read_varint(payload, at)
        if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
            raise FormatError(f"the header says {width}×{height} pixels; sides are 1 to {MAX_SIDE}")
        fixed = 2 + FINGERPRINT_BYTES + 2
        if len(payload) < at + fixed:
            raise TruncatedError("the header is too short")
        pixel, layout = payload[at], payload[at + 1]
        if pixel & 3 >= len(COLOURS):
            raise FormatError(f"the header names an unknown colour model; {NEWER}")
        if layout & 0x60:
            raise FormatError(f"the header sets reserved bits; {NEWER}")
        at += 2
        fingerprint = bytes(payload[at : at + FINGERPRINT_BYTES])
        at += FINGERPRINT_BYTES
        (quality,) = struct.unpack_from("<H", payload, at)
        at += 2
        tile_log2 = 0
        if layout & 0x80:
            if len(payload) <= at:
                raise TruncatedError("the header is too short")
            tile_log2 = payload[at]
            at += 1
            if not MIN_TILE_LOG2 <= tile_log2 <= MAX_TILE_LOG2:
                raise FormatError("the header gives a tile size out of range")
        if at != len(payload):
            raise FormatError("the header is longer than its fields")
        return cls(
            width=width,
            height=height,
            fingerprint=fingerprint,
            quality=quality,
            colour=COLOURS[pixel & 3],
            depth=DEPTHS[pixel >> 6],
            alpha=bool(pixel >> 2 & 1),
            orientation=(pixel >> 3 & 7) + 1,
            layout=layout & 0x1F,
            tile_log2=tile_log2,
        )
