"""Pictures to measure with: search, reading and digests."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream.errors import AezError
from aez.codec.picture.alpha.transparency import flattened
from aez.codec.picture.depth import to_8_bits
from aez.codec.picture.reading import read_picture
from aez.codec.picture.sources import naming

Samples = NDArray[np.uint8]
"""Samples of a picture, (H, W, 3) RGB or (H, W) grey."""
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".ppm"}


def list_pictures(folder: Path, first: int | None = None) -> list[Path]:
    """List the picture files directly in a folder, by name.

    Args:
        folder: where to look.
        first: largest number of pictures; None for all.

    Raises:
        AezError: the folder is missing, or there is no picture in it.
    """
    if not folder.is_dir():
        raise AezError(f"{folder}: no such folder")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise AezError(f"{folder}: no pictures in this folder")
    return paths[:first]


def collect_pictures(sources: Sequence[Path]) -> list[Path]:
    """List given files and the pictures in given folders, each once.

    Raises:
        AezError: one is missing, or a folder has no picture in it.
    """
    paths: list[Path] = []
    for source in sources:
        if not source.exists():
            raise AezError(f"{source}: no such file or folder")
        paths += list_pictures(source) if source.is_dir() else [source]
    return list(dict.fromkeys(paths))


def read_rgb(path: Path) -> Image.Image:
    """Read a picture in the form that every codec gets: 8-bit sRGB, in the orientation for display.

    Raises:
        ImageError: it cannot be read.
    """
    with naming(str(path)):
        picture = flattened(read_picture(path, to_srgb=True, auto_orient=True))
    return Image.fromarray(to_8_bits(picture.samples)).convert("RGB")


def picture_digest(image: Image.Image) -> str:
    """Compute SHA-256 of a picture's size and RGB samples, in hexadecimal."""
    head = f"{image.width}x{image.height} RGB\n".encode()
    return hashlib.sha256(head + np.ascontiguousarray(image).tobytes()).hexdigest()


def set_digest(digests: Iterable[str]) -> str:
    """Compute SHA-256 of a set of pictures, independent of names and order."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
