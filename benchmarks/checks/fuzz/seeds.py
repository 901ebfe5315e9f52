"""Valid files of every feature, from which damaged ones are made."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import read_container, write_container
from aez.codec.base import PictureCodec
from aez.codec.layer.tiles import encode_layer
from aez.codec.options import EncodeOptions
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.picture import Picture

_EXIF = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
"""An orientation of 6."""
_OPTIONS = EncodeOptions(quality=30.0, effort=0, preview=True)


def seed_files(codec: PictureCodec, family: Mapping[str, PictureCodec]) -> dict[str, bytes]:
    """Encode a small picture with every feature.

    Args:
        codec: of layout 0.
        family: codecs of layout 1 by name.

    Returns:
        Files by what they have.
    """
    row, col = np.mgrid[:50, :70]
    noise = np.random.default_rng(0).integers(0, 40, (50, 70, 3))
    colour = (np.dstack([row * 4, col * 3, 200 - row]) + noise).clip(0, 255).astype(np.uint8)
    grey, alpha = colour[..., 0], np.clip((row - 10) * 20, 0, 255).astype(np.uint8)
    large = np.tile(colour, (6, 5, 1))[:280, :330]
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
        "layer": _with_layer(codec, large),
        "without loss": codec.encode(np.dstack([colour, alpha]), lossless=True),
        "metadata": codec.encode_with(Picture(colour, None, 6, all_metadata), _OPTIONS),
    }
    for name, member in family.items():
        files[name] = member.encode(colour, 60)
        files[f"{name} with all"] = member.encode_with(Picture(grey, alpha, 3, all_metadata), _OPTIONS)
    return files


def _with_layer(codec: PictureCodec, picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture with a layer over its left half, whatever would be smaller."""
    cover = np.zeros(picture.shape[:2], np.bool_)
    cover[:, : picture.shape[1] // 2] = True
    container = read_container(codec.encode(picture, 20, effort=0, content="photo"))
    return write_container(replace(container, layer=encode_layer(picture, cover)))


def _soft(height: int, width: int) -> NDArray[np.uint8]:
    """Draw a plane that is smaller as a picture than in tiles."""
    row, col = np.mgrid[:height, :width]
    soft = 128 + 60 * np.sin(row / 9) + 60 * np.cos(col / 13) + np.random.default_rng(1).normal(0, 5, row.shape)
    plane: NDArray[np.uint8] = np.round(soft.clip(0, 255)).astype(np.uint8)
    return plane
