"""Code the pixels of a layer in tiles, and decode them."""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.indexed.stream import Indices, decode_indices, encode_indices
from aez.bitstream.layer import MAX_INDEXED_PIXELS, IndexedStream, Layer, LayerTile, write_layer
from aez.bitstream.tile_areas import tile_areas
from aez.codec.picture.vp8l import QUICK, USUAL, Search, from_vp8l, to_vp8l

LARGEST_TILE_LOG2 = 13
TILE_LOG2 = 11
"""Side of the tiles of large pictures, 2048 pixels: a region of them is decoded from few tiles."""
_ONE_TILE = 2**22
"""Pixels of a picture that has one tile, if its sides allow."""
_FEW_COLOURS, _SAMPLED = 4096, 64
"""Most colours of a tile that is tried as numbers of colours, since of more VP8L takes fewer bits; and the rows in
which they are counted first."""
_LIGHT = np.array([77, 150, 29])
Samples = NDArray[np.uint8]


def encode_layer(samples: Samples, cover: NDArray[np.bool_], search: Search = USUAL) -> bytes:
    """Encode the covered pixels of a picture as the payload of a LAYER chunk.

    Args:
        samples: (H, W, 3) or, of a grey picture, (H, W).
        cover: (H, W), the pixels that the layer covers.
        search: time that WebP spends.
    """
    tile_log2 = tile_log2_of(cover.shape[0], cover.shape[1])
    alpha = cover.astype(np.uint8) * np.uint8(255)
    tiles = []
    for rows, cols in tile_areas(cover.shape[0], cover.shape[1], tile_log2):
        at = slice(*rows), slice(*cols)
        if alpha[at].any():
            part = _with_alpha(samples[at], alpha[at]) if (alpha[at] == 0).any() else _three(samples[at])
            part = part & part[:, :, 3:] if part.shape[2] == 4 else part  # what is not covered has no colour
            tiles.append(_tile(rows, cols, part, 1 if samples.ndim == 2 else 3, search))
        else:
            tiles.append(LayerTile(rows, cols))
    return write_layer(Layer(tile_log2, tiles))


def encode_whole(samples: Samples, alpha: Samples | None, search: Search = USUAL) -> bytes:
    """Encode a whole picture, opacity included, as the payload of a LAYER chunk; arguments as :func:`encode_layer`."""
    tile_log2 = tile_log2_of(samples.shape[0], samples.shape[1])
    tiles = []
    for rows, cols in tile_areas(samples.shape[0], samples.shape[1], tile_log2):
        at = slice(*rows), slice(*cols)
        part = _three(samples[at]) if alpha is None else _with_alpha(samples[at], alpha[at])
        tiles.append(_tile(rows, cols, part, 1 if samples.ndim == 2 else 3, search))
    return write_layer(Layer(tile_log2, tiles, whole=True))


def tile_log2_of(height: int, width: int) -> int:
    """Return the size of tiles that an encoder chooses."""
    return (
        LARGEST_TILE_LOG2 if height * width <= _ONE_TILE and max(height, width) <= 1 << LARGEST_TILE_LOG2 else TILE_LOG2
    )


def _tile(rows: tuple[int, int], cols: tuple[int, int], part: Samples, channels: int, search: Search) -> LayerTile:
    """Code a tile: as one colour if all of its samples, opacity included, are equal, or in the shorter of two ways."""
    if (part == part[0, 0]).all():
        colour = part[0, 0].tobytes()
        return LayerTile(rows, cols, colour=colour[:channels] + colour[3:])
    stream: bytes | IndexedStream = to_vp8l(part, search)
    if search != QUICK and (indexed := _indexed(part, search)) is not None and len(bytes(indexed)) < len(bytes(stream)):
        stream = indexed
    return LayerTile(rows, cols, stream=stream)


def _indexed(part: Samples, search: Search) -> IndexedStream | None:
    """Code a tile as numbers of colours, sorted by their light; None if they are too many."""
    if part.shape[0] * part.shape[1] > MAX_INDEXED_PIXELS:
        return None
    keys = _keys(part)
    if len(np.unique(keys[:: max(1, len(keys) // _SAMPLED)])) > _FEW_COLOURS:
        return None
    found, indices = np.unique(keys, return_inverse=True)
    if len(found) > _FEW_COLOURS:
        return None
    palette = found.view(np.uint8).reshape(-1, 4)[:, : part.shape[2]]
    order = np.argsort(palette[:, :3] @ _LIGHT, kind="stable")
    ranks: Indices = np.argsort(order).astype(np.uint16)
    palette = np.ascontiguousarray(palette[order])
    return IndexedStream(to_vp8l(palette[None], search), encode_indices(ranks[indices.reshape(keys.shape)], palette))


def _keys(part: Samples) -> NDArray[np.uint32]:
    """Return the samples of every pixel, (H, W, 3 or 4), as one number."""
    four = part if part.shape[2] == 4 else np.pad(part, ((0, 0), (0, 0), (0, 1)))
    keys: NDArray[np.uint32] = np.ascontiguousarray(four).view(np.uint32)[..., 0]
    return keys


def _three(samples: Samples) -> Samples:
    return samples if samples.ndim == 3 else np.repeat(samples[:, :, None], 3, 2)


def _with_alpha(samples: Samples, alpha: Samples) -> Samples:
    """Return RGBA samples."""
    return np.dstack([_three(samples), alpha])


def pixels_of(tile: LayerTile, channels: int, *, whole: bool) -> tuple[Samples, Samples] | None:
    """Decode a tile.

    Args:
        tile: tile of a layer.
        channels: samples of a pixel, 3 or 1.
        whole: the alpha of the tile is the picture's opacity.

    Returns:
        Samples (rows, columns, channels), and alpha (rows, columns): 255 where the tile covers the picture and 0
        elsewhere, or of a whole layer the opacity. None if the tile covers nothing.

    Raises:
        FormatError: the tile is damaged.
    """
    shape = tile.rows[1] - tile.rows[0], tile.cols[1] - tile.cols[0]
    if tile.stream is not None:
        planes = _decoded(tile.stream, *shape)
        alpha = planes[..., 3]
        if not whole and bool(((alpha != 0) & (alpha != 255)).any()):
            raise FormatError("a layer tile covers pixels in part")
        return (planes[..., 1:2] if channels == 1 else planes[..., :3]), alpha
    if tile.colour is None:
        return None
    colour = np.frombuffer(tile.colour, np.uint8)
    opacity = colour[channels] if len(colour) > channels else np.uint8(255)
    return np.broadcast_to(colour[:channels], (*shape, channels)), np.broadcast_to(opacity, shape)


def _decoded(stream: bytes | IndexedStream, height: int, width: int) -> Samples:
    """Return the samples of a stream, (height, width, 4)."""
    if isinstance(stream, bytes):
        return from_vp8l(stream, height, width, "a layer tile")
    palette = from_vp8l(stream.palette, 1, stream.colours, "the palette of a layer tile")[0]
    planes: Samples = palette[decode_indices(stream.words, height, width, palette)]
    return planes
