"""Code the pixels of a layer in tiles, and decode them."""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.layer import Layer, LayerTile, write_layer
from aez.bitstream.tile_areas import tile_areas
from aez.codec.picture.vp8l import USUAL, Search, from_vp8l, to_vp8l

LARGEST_TILE_LOG2 = 13
TILE_LOG2 = 11
"""Side of the tiles of large pictures, 2048 pixels: a region of them is decoded from few tiles."""
_ONE_TILE = 2**22
"""Pixels of a picture that has one tile, if its sides allow."""
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
    """Code a tile: as one colour if all of its samples, opacity included, are equal."""
    if (part == part[0, 0]).all():
        colour = part[0, 0].tobytes()
        return LayerTile(rows, cols, colour=colour[:channels] + colour[3:])
    return LayerTile(rows, cols, stream=to_vp8l(part, search))


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
        planes = from_vp8l(tile.stream, *shape, "a layer tile")
        alpha = planes[..., 3]
        if not whole and bool(((alpha != 0) & (alpha != 255)).any()):
            raise FormatError("a layer tile covers pixels in part")
        return (planes[..., 1:2] if channels == 1 else planes[..., :3]), alpha
    if tile.colour is None:
        return None
    colour = np.frombuffer(tile.colour, np.uint8)
    opacity = colour[channels] if len(colour) > channels else np.uint8(255)
    return np.broadcast_to(colour[:channels], (*shape, channels)), np.broadcast_to(opacity, shape)
