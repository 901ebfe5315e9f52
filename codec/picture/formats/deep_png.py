"""Write PNG files of 16 bits per sample, of which Pillow writes only grey ones."""

import struct
import zlib
from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from aez.codec.picture.depth import Samples, to_16_bits

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_OWN = (b"IHDR", b"IDAT", b"IEND")
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_BAND = 2**20
"""Samples that are filtered at a time."""
_ALPHA_BITS = 8
Bytes = NDArray[np.uint8]


def deep_png(samples: Samples, alpha: NDArray[np.uint8] | None, depth: int, model: bytes, level: int) -> bytes:
    """Write a picture as a PNG file.

    Args:
        samples: (H, W) or (H, W, 3) uint16, over the whole range of 16 bits.
        alpha: (H, W) uint8, or None.
        depth: significant bits of a sample; sBIT says so if they are fewer than 16.
        model: another PNG file, whose metadata the file takes.
        level: of the compression, 1 … 9.
    """
    planes = samples[:, :, None] if samples.ndim == 2 else samples
    height, width = planes.shape[:2]
    channels = planes.shape[2] + (alpha is not None)
    out = [_SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0))]
    if depth < 16:
        out.append(_chunk(b"sBIT", bytes([depth] * planes.shape[2] + [_ALPHA_BITS] * (alpha is not None))))
    before, after = _metadata_of(model)
    compressor = zlib.compressobj(level)
    parts = [compressor.compress(band) for band in _filtered(planes, alpha)]
    parts.append(compressor.flush())
    return b"".join([*out, *before, *(_chunk(b"IDAT", part) for part in parts if part), *after, _chunk(b"IEND", b"")])


def _filtered(planes: Samples, alpha: NDArray[np.uint8] | None) -> Iterator[bytes]:
    """Yield the rows of a picture as PNG stores them, in bands, each row by the filter of the smallest sum."""
    height, width = planes.shape[:2]
    step = max(1, _BAND // (width * planes.shape[2]))
    above: Bytes | None = None
    for top in range(0, height, step):
        band = planes[top : top + step]
        if alpha is not None:
            band = np.concatenate([band, to_16_bits(alpha[top : top + step])[:, :, None]], 2)
        size = 2 * band.shape[2]
        rows = np.ascontiguousarray(band.astype(">u2")).view(np.uint8).reshape(len(band), -1)
        first = np.zeros_like(rows[0]) if above is None else above
        upper = np.concatenate([first[None], rows[:-1]])
        above = rows[-1]
        tried = [rows, rows - _moved(rows, size), rows - upper, rows - _predicted(rows, upper, size)]
        sums = np.stack([np.abs(one.view(np.int8).astype(np.int16)).sum(1, dtype=np.int64) for one in tried])
        best = sums.argmin(0)
        kinds = np.array([0, 1, 2, 4], np.uint8)[best]
        chosen = np.choose(best[:, None], tried)
        yield np.concatenate([kinds[:, None], chosen], 1).tobytes()


def _moved(rows: Bytes, size: int) -> Bytes:
    """Return the byte of the pixel to the left; 0 at the edge."""
    return np.pad(rows, ((0, 0), (size, 0)))[:, : rows.shape[1]]


def _predicted(rows: Bytes, upper: Bytes, size: int) -> Bytes:
    """Return Paeth's prediction."""
    a, b, c = (one.astype(np.int16) for one in (_moved(rows, size), upper, _moved(upper, size)))
    by_a, by_b, by_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    predicted = np.where((by_a <= by_b) & (by_a <= by_c), a, np.where(by_b <= by_c, b, c))
    return cast(Bytes, predicted.astype(np.uint8))


def _metadata_of(file: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the chunks of metadata before and after the pixels of a PNG file."""
    before: list[bytes] = []
    after: list[bytes] = []
    at, chunks = len(_SIGNATURE), before
    while at < len(file):
        length, kind = struct.unpack_from(">I4s", file, at)
        end = at + 12 + length
        if kind == b"IDAT":
            chunks = after
        if kind not in _OWN:
            chunks.append(file[at:end])
        at = end
    return before, after


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
