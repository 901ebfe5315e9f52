"""The pictures of a folder, and how far two pictures are apart."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream.errors import AezError, ImageError
from aez.codec.images import flattened, from_image, upright

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".ppm"}
PSNR_OF_EQUALS = 100.0
"""What :func:`psnr` gives for equal pictures, so that means and JSON stay finite."""


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


def samples_of(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of an image of mode RGB."""
    return np.array(image)


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB over all samples of two uint8 arrays of one shape.

    Raises:
        ValueError: the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"pictures of shapes {a.shape} and {b.shape} cannot be compared")
    mse = float(np.mean((a.astype(np.float32) - b) ** 2, dtype=np.float64))
    return 10 * math.log10(255**2 / mse) if mse else PSNR_OF_EQUALS
