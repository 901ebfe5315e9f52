"""Opacity: coded without loss or with fewer levels, and what to code as the colour of pixels that nobody sees."""

import io
import struct

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, _webp

from aez.bitstream.alpha import AlphaTile, read_alpha, tile_areas, vp8l_size, write_alpha
from aez.bitstream.errors import FormatError

LOSSLESS = 100.0
TILE_LOG2 = 10
_RIFF, _BLOCK, _DEPTH = 20, 1024, 6


def encode_alpha(alpha: NDArray[np.uint8], quality: float = LOSSLESS) -> bytes:
    """The payload of an ALPHA chunk.

    Args:
        alpha: (H, W) uint8.
        quality: 100 for no loss; below, fewer levels, 0 and 255 always among them.
    """
    tiles = []
    for rows, cols in tile_areas(len(alpha), alpha.shape[1], TILE_LOG2):
        part = with_fewer_levels(alpha[slice(*rows), slice(*cols)], quality)
        if (part == part[0, 0]).all():
            tiles.append(AlphaTile(rows, cols, level=int(part[0, 0])))
        else:
            tiles.append(AlphaTile(rows, cols, stream=_to_vp8l(part)))
    return write_alpha(tiles, TILE_LOG2)


def decode_alpha(
    payload: bytes, height: int, width: int, rows: tuple[int, int] | None = None, cols: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Rows and columns (all by default) of the plane of a picture of height × width, uint8; others stay coded.

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
            whole = _from_vp8l(tile.stream, tile.rows[1] - tile.rows[0], tile.cols[1] - tile.cols[0])
            target[:] = whole[y0 - tile.rows[0] : y1 - tile.rows[0], x0 - tile.cols[0] : x1 - tile.cols[0]]
    return out


def level_count(quality: float) -> int:
    """How many levels a quality leaves: 256 at 100, 2 at 1."""
    return round(2 ** (1 + 7 * (quality - 1) / 99))


def with_fewer_levels(alpha: NDArray[np.uint8], quality: float) -> NDArray[np.uint8]:
    """Rounded to equidistant levels: 256 at quality 100, 16 at 50, 2 at 1."""
    if quality >= LOSSLESS:
        return alpha
    levels = level_count(quality)
    steps = np.round(np.arange(256) * ((levels - 1) / 255))
    table: NDArray[np.uint8] = np.round(steps * (255 / (levels - 1))).astype(np.uint8)
    return table[alpha]


def _to_vp8l(part: NDArray[np.uint8]) -> bytes:
    """The plane as an opaque grey picture, without WebP's own container."""
    buffer = io.BytesIO()
    Image.fromarray(part).convert("RGB").save(buffer, "WEBP", lossless=True, quality=100, method=4, exact=True)
    data = buffer.getvalue()
    (length,) = struct.unpack_from("<I", data, 16)
    stream = data[_RIFF : _RIFF + length]
    if data[12:16] != b"VP8L" or vp8l_size(stream) != part.shape[::-1]:
        raise RuntimeError("this build of Pillow does not write plain lossless WebP")
    return stream


def _from_vp8l(stream: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width) uint8; the stream's header says this size, which was checked."""
    body = b"VP8L" + struct.pack("<I", len(stream)) + stream + b"\0" * (len(stream) % 2)
    data = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    try:
        # Not Image.open, which refuses what is above a limit that the process sets for other pictures.
        decoder = _webp.WebPAnimDecoder(data)
        size, *_ = decoder.get_info()
        if size != (width, height):
            raise FormatError("an alpha tile is of another size")
        samples, _ = decoder.get_next()
        planes = np.frombuffer(samples, np.uint8).reshape(height, width, 4)
    except FormatError:
        raise
    except Exception:  # Pillow says that nothing came by None, a tuple of none, or an error
        raise FormatError("an alpha tile is damaged") from None
    return planes[..., 1]


def filled(samples: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The samples, but a smooth continuation of the visible ones where the picture is wholly transparent.

    Pull–push: averages of visible samples over ever larger squares, then back, each hole filled from the next coarser
    average. Blocks of the picture are taken one by one, so that memory stays bounded.

    Args:
        samples: (H, W, 3) or (H, W) uint8.
        alpha: (H, W) uint8.
    """
    if alpha.all():
        return samples
    height, width = alpha.shape
    planes = samples if samples.ndim == 3 else samples[:, :, None]
    blocks = [
        (slice(i, min(i + _BLOCK, height)), slice(j, min(j + _BLOCK, width)))
        for i in range(0, height, _BLOCK)
        for j in range(0, width, _BLOCK)
    ]
    step = 1 << _DEPTH
    coarse = torch.zeros(1, planes.shape[2], -(-height // step), -(-width // step))
    seen = torch.zeros(1, 1, *coarse.shape[2:])
    for rows, cols in blocks:
        *_, (colour, mask) = _pyramid(planes[rows, cols], alpha[rows, cols], _DEPTH)
        at = (..., slice(rows.start // step, -(-rows.stop // step)), slice(cols.start // step, -(-cols.stop // step)))
        coarse[at], seen[at] = colour, mask
    levels = [(coarse, seen)]
    while max(levels[-1][0].shape[2:]) > 1:
        levels.append(_coarser(*levels[-1]))
    background = _filled_down(levels, levels[-1][0])
    out = samples.copy()
    for rows, cols in blocks:
        hidden = alpha[rows, cols] == 0
        if hidden.any():
            levels = _pyramid(planes[rows, cols], alpha[rows, cols], _DEPTH)
            at = (
                ...,
                slice(rows.start // step, -(-rows.stop // step)),
                slice(cols.start // step, -(-cols.stop // step)),
            )
            smooth = _filled_down(levels[:-1], background[at])[0].permute(1, 2, 0).round().to(torch.uint8).numpy()
            out[rows, cols][hidden] = smooth[hidden] if samples.ndim == 3 else smooth[hidden][:, 0]
    return out


Level = tuple[torch.Tensor, torch.Tensor]


def _pyramid(planes: NDArray[np.uint8], alpha: NDArray[np.uint8], depth: int) -> list[Level]:
    """Colour (0 where unseen) and visibility of a block, each level of half the size."""
    seen = torch.from_numpy((alpha > 0).astype(np.float32))[None, None]
    colour = torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None].float() * seen
    levels = [(colour, seen)]
    for _ in range(depth):
        levels.append(_coarser(*levels[-1]))
    return levels


def _coarser(colour: torch.Tensor, seen: torch.Tensor) -> Level:
    pad = (0, colour.shape[3] % 2, 0, colour.shape[2] % 2)
    weight = F.avg_pool2d(F.pad(seen, pad), 2)
    mean = F.avg_pool2d(F.pad(colour, pad), 2) / weight.clamp(min=1e-6)
    visible = (weight > 0).float()
    return mean * visible, visible


def _filled_down(levels: list[Level], coarse: torch.Tensor) -> torch.Tensor:
    """From the coarsest level to the finest, holes filled from the level above, which is ``coarse`` at first."""
    out = coarse
    for colour, seen in reversed(levels):
        rows, cols = colour.shape[2:]
        if out.shape[2:] != colour.shape[2:]:
            up = F.interpolate(out, scale_factor=2.0, mode="bilinear", align_corners=False)[..., :rows, :cols]
        else:
            up = out
        out = torch.where(seen > 0, colour, up)
    return out
