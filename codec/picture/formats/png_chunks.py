"""Read the chunks of PNG files that Pillow does not provide, and the depth that they state."""

import struct

from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK_HEADER = 8
_CHUNK_CRC = 4


def png_chunk(image: Image.Image, wanted: bytes, lengths: tuple[int, ...]) -> bytes | None:
    """Return a chunk that stands before the pixels of an opened PNG file; None if there is none of these lengths.

    This must be called before the image is loaded, since Pillow then closes the file.
    """
    file = getattr(image, "fp", None)
    if image.format != "PNG" or file is None or file.closed:
        return None
    before = file.tell()
    try:
        file.seek(0)
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            return None
        while len(header := file.read(_CHUNK_HEADER)) == _CHUNK_HEADER:
            length, kind = struct.unpack(">I4s", header)
            if kind in (b"IDAT", b"IEND"):
                return None
            if kind == wanted and length in lengths:
                payload: bytes = file.read(length)
                return payload if len(payload) == length else None
            file.seek(length + _CHUNK_CRC, 1)
        return None
    finally:
        file.seek(before)


def stated_depth(image: Image.Image) -> int:
    """Return the depth of the colour samples of an opened 16-bit file: 10 or 12 if a PNG file's sBIT says so, else 16.

    As :func:`png_chunk`, this must be called before the image is loaded.
    """
    bits = png_chunk(image, b"sBIT", (1, 2, 3, 4))
    largest = max(bits[: 3 if len(bits) > 2 else 1]) if bits else 16
    return 10 if largest in (9, 10) else 12 if largest in (11, 12) else 16
