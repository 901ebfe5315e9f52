"""Code alpha planes in tiles, without loss or with a reduced number of levels."""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.alpha import AlphaTile, read_alpha, write_alpha
from aez.bitstream.tile_areas import tile_areas
from aez.codec.picture.vp8l import from_vp8l, to_vp8l

LOSSLESS = 100.0
TILE_LOG2 = 10
_TILE_BYTES = 16
"""Bytes per pixel of a tile while libwebp decodes it."""


def encode_alpha(alpha: NDArray[np.uint8], quality: float = LOSSLESS) -> bytes:
    """Encode an alpha plane as the payload of an ALPHA chunk.

    Args:
        alpha: (H, W) uint8.
        quality: 100 for lossless coding; lower values leave fewer levels, which always include 0 and 255.
    """
    tiles = []
    for rows, cols in tile_areas(len(alpha), alpha.shape[1], TILE_LOG2):
        part = with_fewer_levels(alpha[slice(*rows), slice(*cols)], quality)
        if (part == part[0, 0]).all():
            tiles.append(AlphaTile(rows, cols, level=int(part[0, 0])))
        else:
            tiles.append(AlphaTile(rows, cols, stream=to_vp8l(np.repeat(part[:, :, None], 3, 2))))
    return write_alpha(tiles, TILE_LOG2)


def decode_alpha(
    payload: bytes, height: int, width: int, rows: tuple[int, int] | None = None, cols: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Decode a region of an alpha plane, uint8; tiles outside the region stay coded.

    The plane is that of a picture of height × width. ``rows`` and ``cols`` default to the whole picture.

    Raises:
        FormatError: the payload is damaged.
    """
    top, bottom = rows or (0, height)
    left, right = cols or (0, width)
    tiles = read_alpha(payload, height, width)
    out = np.empty((bottom - top, right - left), dtype=np.uint8)
    for tile in tiles:
        y0, y1 = max(top, tile.rows[0]), min(bottom, tile.rows[1])
        x0, x1 = max(left, tile.cols[0]), min(right, tile.cols[1])
        if y0 >= y1 or x0 >= x1:
            continue
        target = out[y0 - top : y1 - top, x0 - left : x1 - left]
        if tile.stream is None:
            target[:] = tile.level
        else:
            shape = tile.rows[1] - tile.rows[0], tile.cols[1] - tile.cols[0]
            whole = from_vp8l(tile.stream, *shape, "an alpha tile")[..., 1]
            target[:] = whole[y0 - tile.rows[0] : y1 - tile.rows[0], x0 - tile.cols[0] : x1 - tile.cols[0]]
    return out


def tile_memory(payload: bytes, height: int, width: int, rows: tuple[int, int], cols: tuple[int, int]) -> int:
    """Return the bytes that decoding the largest tile of a region takes; arguments and errors as :func:`decode_alpha`.

    They are RGBA samples of libwebp's canvas, of the one before, of the frame, and a copy.
    """
    return _TILE_BYTES * max(
        (
            (tile.rows[1] - tile.rows[0]) * (tile.cols[1] - tile.cols[0])
            for tile in read_alpha(payload, height, width)
            if tile.stream is not None and _overlap(tile.rows, rows) and _overlap(tile.cols, cols)
        ),
        default=0,
    )


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def level_count(quality: float) -> int:
    """Return the number of levels that a quality leaves: 256 at 100, 2 at 1."""
    return round(2 ** (1 + 7 * (quality - 1) / 99))


def with_fewer_levels(alpha: NDArray[np.uint8], quality: float) -> NDArray[np.uint8]:
    """Round to equidistant levels: 256 at quality 100, 16 at 50, 2 at 1."""
    if quality >= LOSSLESS:
        return alpha
    levels = level_count(quality)
    steps = np.round(np.arange(256) * ((levels - 1) / 255))
    table: NDArray[np.uint8] = np.round(steps * (255 / (levels - 1))).astype(np.uint8)
    return table[alpha]
