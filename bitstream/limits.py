"""Limits on what a decoder accepts from untrusted files."""

from dataclasses import dataclass

from aez.bitstream.errors import LimitError
from aez.bitstream.header import Header

DEFAULT_MAX_PIXELS = 2**28


@dataclass(frozen=True)
class Limits:
    """Limits on what a file may ask for; anything beyond raises :class:`LimitError` before memory is allocated.

    Attributes:
        max_pixels: largest width × height.
        max_pixels_per_byte: largest number of pixels per byte of the file, so that a tiny file cannot cause hours of
            work. The first 2**22 pixels are exempt. A flat 24-megapixel picture stays below a tenth of the default.
        max_metadata: largest size of all metadata and unknown ancillary chunks together, in bytes.
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
