"""Code samples as VP8L image streams, the payload of lossless WebP files, by Pillow."""

import io
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, _webp

from aez.bitstream.errors import FormatError
from aez.bitstream.vp8l import vp8l_size


@dataclass(frozen=True)
class Search:
    """Time that the encoder of WebP spends.

    Attributes:
        method: 0 … 6.
        quality: 0 … 100, within the method.
    """

    method: int
    quality: int


QUICK = Search(2, 50)
"""For sizes to compare: streams are 3 to 20 % longer."""
USUAL = Search(4, 100)
THOROUGH = Search(6, 100)
"""Takes ten times as long, for mostly 1 % and seldom a third less."""
_RIFF = 20


def to_vp8l(samples: NDArray[np.uint8], search: Search = USUAL) -> bytes:
    """Encode samples without loss.

    Args:
        samples: (H, W, 3) RGB or (H, W, 4) RGBA; the colour of transparent pixels is kept. Sides of at most 16383.
        search: time to spend.
    """
    buffer = io.BytesIO()
    how = {"quality": search.quality, "method": search.method}
    Image.fromarray(samples).save(buffer, "WEBP", lossless=True, exact=True, **how)
    data = buffer.getvalue()
    # A file with alpha begins with a chunk VP8X before the stream.
    at = 12
    while data[at : at + 4] == b"VP8X":
        at += 8 + struct.unpack_from("<I", data, at + 4)[0]
    (length,) = struct.unpack_from("<I", data, at + 4)
    stream = data[at + 8 : at + 8 + length]
    if data[at : at + 4] != b"VP8L" or vp8l_size(stream) != samples.shape[1::-1]:
        raise RuntimeError("this build of Pillow does not write plain lossless WebP")
    return stream


def from_vp8l(stream: bytes, height: int, width: int, what: str) -> NDArray[np.uint8]:
    """Decode a stream, whose header has been checked to state this size, to (height, width, 4) uint8.

    Raises:
        FormatError: the stream is damaged; ``what`` names it.
    """
    body = b"VP8L" + struct.pack("<I", len(stream)) + stream + b"\0" * (len(stream) % 2)
    data = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    try:
        # Image.open would apply MAX_IMAGE_PIXELS, the limit that a process sets for other pictures.
        decoder = _webp.WebPAnimDecoder(data)
        size, *_ = decoder.get_info()
        if size != (width, height):
            raise FormatError(f"{what} is of another size")
        samples, _ = decoder.get_next()
        return np.frombuffer(samples, np.uint8).reshape(height, width, 4)
    except FormatError:
        raise
    except Exception:  # Pillow reports a missing frame as None, as an empty tuple or as an error
        raise FormatError(f"{what} is damaged") from None
