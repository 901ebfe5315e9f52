"""Read pictures from every kind of input that the library accepts: images, arrays and paths."""

import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.codec.picture.images import from_image, split_deep
from aez.codec.picture.picture import Picture, Pixels
from aez.codec.picture.reading import read_path
from aez.codec.picture.sources import File


def as_picture(image: Pixels | Picture | File, frame: int | None = None) -> Picture:
    """Convert any input that the library accepts to a picture.

    Args:
        image: the input.
        frame: number of the frame of a picture file, from 1; None for the first one.

    Raises:
        AezError: the picture cannot be read, or is too large.
        ValueError, TypeError: an array has the wrong shape or type, or a frame is given but no path.
    """
    if isinstance(image, (str, os.PathLike)):
        return read_path(image, frame)
    if frame is not None:
        raise TypeError("a frame is one of a picture file, which is given by its path")
    if isinstance(image, Picture):
        return image
    if isinstance(image, Image.Image):
        return from_image(image)
    array = np.asarray(image)
    if array.dtype.kind not in "biufc":
        kind = type(image).__name__
        raise TypeError(f"a picture is given as a Pillow image, an array or the path of a file, not as {kind}")
    return from_array(array)


def from_array(array: NDArray[np.generic]) -> Picture:
    """Read an (H, W) or (H, W, C) array with C from 1 to 4: grey, grey with alpha, RGB or RGBA.

    Samples are uint8, uint16 of either byte order, from 0 to 65535, or bool, which become 0 and 255. Alpha of uint16 is
    rounded to 8 bits.

    Raises:
        TypeError: the array has another dtype.
        ValueError: the array has another shape.
    """
    kind, deep = array.dtype.kind, array.dtype.kind == "u" and array.dtype.itemsize == 2
    if array.dtype not in (np.uint8, np.bool_) and not deep:
        advice = (
            "samples from 0 to 1 become so by (array * 255).round().clip(0, 255).astype('uint8')"
            if kind == "f"
            else "samples from 0 to 255 become so by array.astype('int64').clip(0, 255).astype('uint8')"
        )
        raise TypeError(f"the array must be uint8 (or uint16, or bool), not {array.dtype}: {advice}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] > 4):
        planar = array.ndim == 3 and 1 <= array.shape[0] <= 4 and 0 not in array.shape
        advice = ": array.transpose(1, 2, 0) puts the channels last" if planar else ""
        raise ValueError(
            f"the array must have shape (H, W), or (H, W, C) with 1 to 4 channels, not {array.shape}{advice}"
        )
    if deep:
        warnings: list[str] = []
        colours, alpha = split_deep(np.ascontiguousarray(np.atleast_3d(array), np.uint16), warnings)
        return Picture(colours, alpha, warnings=warnings)
    samples = array.astype(np.uint8, copy=False)
    if kind == "b":
        samples = samples * np.uint8(255)
    alpha = None
    if samples.ndim == 3 and samples.shape[2] != 3:
        alpha = np.ascontiguousarray(samples[:, :, -1])
        samples = samples[:, :, 0] if samples.shape[2] == 2 else samples[:, :, :3]
    return Picture(np.ascontiguousarray(samples), alpha)
