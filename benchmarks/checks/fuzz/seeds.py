"""Valid files of every feature, from which damaged ones are made."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import read_container, write_container
from aez.codec.base import PictureCodec
from aez.codec.layer.tiles import encode_layer
from aez.codec.options import EncodeOptions
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.picture import Picture

MEMBERS = ("sparse", "vae")
"""Models of layout 1."""
_EXIF = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
"""An orientation of 6."""
_OPTIONS = EncodeOptions(quality=30.0, effort=0, preview=True)


def seed_files(codecs: Sequence[PictureCodec]) -> dict[str, bytes]:
    """Encode a small picture with every feature.

    Args:
        codecs: the first of layout 0, the others of layout 1.

    Returns:
        Files by what they have.
    """
    codec, *family = codecs
    row, col = np.mgrid[:50, :70]
    noise = np.random.default_rng(0).integers(0, 40, (50, 70, 3))
    colour = (np.dstack([row * 4, col * 3, 200 - row]) + noise).clip(0, 255).astype(np.uint8)
    grey, alpha = colour[..., 0], np.clip((row - 10) * 20, 0, 255).astype(np.uint8)
    large = np.tile(colour, (6, 5, 1))[:280, :330]
    deep = np.left_shift(colour, 8, dtype=np.uint16) + noise.astype(np.uint16)
    wide = np.full(alpha.shape, 0xFFFF, np.uint16)
    drawn = np.kron(np.random.default_rng(2).integers(0, 2, (40, 50), np.uint8), np.full((7, 7), 255, np.uint8))
    all_metadata = Metadata(b"profile" * 9, _EXIF, b"<x:xmpmeta/>")
    files = {
        "colour": codec.encode(colour, 60),
        "low quality": codec.encode(colour, 1, effort=0),
        "high quality": codec.encode(colour, 100, effort=0),
        "one pixel": codec.encode(colour[:1, :1], 50),
        "grey": codec.encode(grey, 50),
        "grey in RGB": codec.encode(np.dstack([grey] * 3), 50),
        "tiles and a preview": codec.encode(large, 20, effort=0, tile_log2=4, preview=True),
        "alpha in tiles": codec.encode(np.dstack([colour, alpha]), 40),
        "alpha as a picture": codec.encode(np.dstack([large, _soft(*large.shape[:2])]), 30, effort=0, alpha_quality=20),
        "own filter": codec.encode(large, 60, effort=7),
        "10 bits": codec.encode(deep, 50, effort=0, depth=10),
        "12 bits, grey": codec.encode(deep[..., 0], 50, effort=0, depth=12),
        "16 bits and alpha": codec.encode(np.dstack([deep, wide]), 50, effort=0),
        "16 bits and a preview": codec.encode(deep, 50, effort=0, preview=True),
        "layer": _with_layer(codec, large),
        "layer, grey": _with_layer(codec, large[..., 0]),
        "layer and alpha": _with_layer(codec, np.dstack([large, _soft(*large.shape[:2])])),
        "graphics": codec.encode(drawn, 40, content="graphics"),
        "without loss": codec.encode(colour, lossless=True),
        "without loss, with alpha": codec.encode(np.dstack([colour, alpha]), lossless=True),
        "without loss, one colour": codec.encode(np.full((90, 130, 4), 77, np.uint8), lossless=True),
        "metadata": codec.encode_with(Picture(colour, None, 6, all_metadata), _OPTIONS),
    }
    for member in family:
        files[member.name] = member.encode(colour, 60)
        files[f"{member.name} with all"] = member.encode_with(Picture(grey, alpha, 3, all_metadata), _OPTIONS)
    return files


def _with_layer(codec: PictureCodec, picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture with a layer over its left half, whatever would be smaller."""
    cover = np.zeros(picture.shape[:2], np.bool_)
    cover[:, : picture.shape[1] // 2] = True
    container = read_container(codec.encode(picture, 20, effort=0, content="photo"))
    colour = picture if picture.ndim == 2 else picture[..., :3]
    return write_container(replace(container, layer=encode_layer(colour, cover)))


def _soft(height: int, width: int) -> NDArray[np.uint8]:
    """Draw a plane that is smaller as a picture than in tiles."""
    row, col = np.mgrid[:height, :width]
    soft = 128 + 60 * np.sin(row / 9) + 60 * np.cos(col / 13) + np.random.default_rng(1).normal(0, 5, row.shape)
    plane: NDArray[np.uint8] = np.round(soft.clip(0, 255)).astype(np.uint8)
    return plane
