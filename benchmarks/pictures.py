"""Pictures to measure with: found, read, and told apart by what they show."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from aez.bitstream.errors import AezError, ImageError
from aez.codec.picture.alpha.transparency import flattened
from aez.codec.picture.images import from_image
from aez.codec.picture.turning import upright

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".ppm"}


def list_pictures(folder: Path, first: int | None = None) -> list[Path]:
    """Picture files directly in a folder, by name.

    Args:
        folder: where to look.
        first: how many to return at most; None for all.

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
    """Files as given, and the pictures in the folders given; each once.

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
    """A picture as every codec here is given it: 8-bit sRGB, turned as it is meant to be seen.

    Raises:
        ImageError: it cannot be read.
    """
    try:
        with Image.open(path) as image:
            picture = upright(flattened(from_image(image, srgb=True)))
    except (OSError, ImageError) as error:
        raise ImageError(f"{path}: cannot be read as a picture ({error})") from None
    return Image.fromarray(picture.samples).convert("RGB")


def picture_digest(image: Image.Image) -> str:
    """SHA-256 of a picture's size and RGB samples, in hexadecimal."""
    head = f"{image.width}x{image.height} RGB\n".encode()
    return hashlib.sha256(head + np.ascontiguousarray(image).tobytes()).hexdigest()


def set_digest(digests: Iterable[str]) -> str:
    """SHA-256 of a set of pictures, whatever their names and order."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
