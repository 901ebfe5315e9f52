"""Limits on what a decoder accepts from untrusted files."""

from dataclasses import dataclass

from aez.bitstream.errors import LimitError
from aez.bitstream.header import MAX_SIDE, Header

DEFAULT_MAX_PIXELS = 2**28
FREE_PIXELS = 2**20
"""Pixels of any file that ``max_pixels_per_byte`` does not count."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits on what a file may ask for; anything beyond raises :class:`LimitError` before memory is taken for it.

    Attributes:
        max_pixels: largest width × height.
        max_side: largest width and largest height.
        max_memory: most bytes that decoding takes beyond the loaded model, the file and a copy of it, the returned
            picture included, as estimated from the header and from what is decoded.
        max_symbols: largest number of symbols in the streams that are decoded.
        max_metadata: largest size of all metadata and unknown ancillary chunks together, in bytes.
        max_chunks: largest number of chunks that are no tiles; tiles are limited by the pixels.
        max_pixels_per_byte: largest number of pixels per byte of the file, so that a tiny file cannot cause hours of
            work. The first 2**20 pixels are exempt, and pictures that are a layer, which hardly take work. The smallest
            files that the packaged models can write hold about 1000 pixels per byte.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    max_side: int = MAX_SIDE
    max_memory: int = 2**30
    max_symbols: int = 2**30
    max_metadata: int = 2**26
    max_chunks: int = 2**10
    max_pixels_per_byte: int = 2**13

    def check(self, header: Header) -> None:
        """Raise :class:`LimitError` if a file with this header asks for too much."""
        pixels = header.width * header.height
        size = f"{header.width}×{header.height}"
        if pixels > self.max_pixels:
            raise LimitError(
                f"the picture has {size} = {pixels} pixels, above the limit of {self.max_pixels} (max_pixels)"
            )
        if max(header.width, header.height) > self.max_side:
            raise LimitError(f"the picture has {size} pixels, above the limit of {self.max_side} a side (max_side)")

    def check_size(self, header: Header, file_size: int) -> None:
        """Raise :class:`LimitError` if a file of ``file_size`` bytes cannot honestly hold so many coded pixels."""
        if header.width * header.height > FREE_PIXELS + self.max_pixels_per_byte * file_size:
            raise LimitError(f"{file_size} bytes cannot hold a picture of {header.width}×{header.height} pixels")

    def check_memory(self, needed: int) -> None:
        """Raise :class:`LimitError` if decoding needs more than ``max_memory`` bytes."""
        if needed > self.max_memory:
            raise LimitError(
                f"decoding takes about {_megabytes(needed)} of memory, above the limit of "
                f"{_megabytes(self.max_memory)} (max_memory)"
            )

    def check_symbols(self, count: int) -> None:
        """Raise :class:`LimitError` if ``count`` symbols are too many."""
        if count > self.max_symbols:
            raise LimitError(f"decoding takes {count} symbols, above the limit of {self.max_symbols} (max_symbols)")


_NO_LIMIT = 2**62
TRUSTED = Limits(
    max_pixels=_NO_LIMIT,
    max_memory=_NO_LIMIT,
    max_symbols=_NO_LIMIT,
    max_metadata=_NO_LIMIT,
    max_chunks=_NO_LIMIT,
    max_pixels_per_byte=_NO_LIMIT,
)
"""No limits: for files that this process has just written."""


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 10**6 else f"{size} bytes"
