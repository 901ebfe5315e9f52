"""Bounds that a decoder puts on files from strangers."""

from dataclasses import dataclass

from aez.bitstream.errors import LimitError
from aez.bitstream.header import Header

DEFAULT_MAX_PIXELS = 2**28


@dataclass(frozen=True)
class Limits:
    """What a file may ask for; anything beyond raises :class:`LimitError` before memory is taken.

    Attributes:
        max_pixels: width × height.
        max_pixels_per_byte: pixels a byte of the file, so that a tiny file cannot ask for hours of work; it is not
            applied to the first 2**22 pixels. A flat 24-megapixel picture stays below a tenth of the default.
        max_metadata: bytes of all metadata and unknown ancillary chunks together.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    max_pixels_per_byte: int = 2**17
    max_metadata: int = 2**26

    def check(self, header: Header, file_size: int) -> None:
        """Raise :class:`LimitError` if a file of ``file_size`` bytes with this header asks for too much."""
        pixels = header.width * header.height
        size = f"{header.width}×{header.height}"
        if pixels > self.max_pixels:
            raise LimitError(f"the picture has {size} = {pixels} pixels, above the limit of {self.max_pixels}")
        if pixels > 2**22 + self.max_pixels_per_byte * file_size:
            raise LimitError(f"{file_size} bytes cannot hold a picture of {size} pixels")
