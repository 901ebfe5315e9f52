"""Helpers of image restoration: input and output types, tensors, and windows."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from aez.codec.geometry.windows import Window
from aez.codec.picture.images import from_image
from aez.codec.picture.inputs import from_array
from aez.codec.picture.metadata.chunks import without_thumbnails
from aez.codec.picture.picture import Picture, in_8_bits

Pixels = TypeVar("Pixels", Image.Image, NDArray[np.uint8])
Change = Callable[[Picture], Picture]


def changed(image: Pixels, change: Change) -> Pixels:
    """Apply ``change`` to a Pillow image or an array, as :func:`aez.codec.encode` takes them.

    The result has the type of the input: a Pillow image with its metadata in ``info``, not turned, or an array. A
    :class:`UserWarning` names properties that cannot be kept.
    """
    if isinstance(image, Image.Image):
        picture = change(in_8_bits(from_image(image)))
        _warn(picture)
        return picture.to_image()
    picture = change(in_8_bits(from_array(image)))
    _warn(picture)
    return picture.to_array()


def _warn(picture: Picture) -> None:
    for warning in picture.warnings:
        warnings.warn(warning, stacklevel=4)


def with_samples(picture: Picture, samples: NDArray[np.uint8], *notes: str) -> Picture:
    """Replace the samples of a picture, remove its thumbnails, and append warnings."""
    metadata = without_thumbnails(picture.metadata)
    return replace(picture, samples=samples, metadata=metadata, warnings=[*picture.warnings, *notes])


def to_tensor(samples: NDArray[np.uint8]) -> Tensor:
    """Convert (H, W) or (H, W, 3) uint8 to (1, 3, H, W) float32, RGB / 255 − 1/2; grey is repeated three times."""
    planes = samples[:, :, None] if samples.ndim == 2 else samples
    tensor = torch.from_numpy(np.require(planes, requirements=["C", "W"])).permute(2, 0, 1)[None].float() / 255 - 0.5
    return tensor.expand(-1, 3, -1, -1).contiguous()


def to_samples(x: Tensor, grey: bool) -> NDArray[np.uint8]:
    """Convert (1, 3, H, W) to (H, W, 3) uint8, or to (H, W) as the mean of the colours; rounded and clipped."""
    planes = x.mean(1) if grey else x[0].permute(1, 2, 0)
    levels = ((planes + 0.5) * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    out: NDArray[np.uint8] = np.ascontiguousarray(levels[0] if grey else levels)
    return out


def mirrored(side: int, stride: int, reach: int = 0) -> NDArray[np.int64]:
    """Return indices of a side that is padded by mirroring.

    The indices are 0 … side − 1, then mirrored ones up to a multiple of ``stride``, and ``reach`` more on both ends.
    """
    padded = -(-side // stride) * stride
    index = np.arange(-reach, padded + reach) % (2 * side)
    return np.minimum(index, 2 * side - 1 - index)


def squares(rows: int, cols: int, size: int, whole: int) -> Iterator[Window]:
    """Yield square windows that cover a grid in raster order; one window for up to ``whole`` positions."""
    if rows * cols <= whole:
        yield Window(0, rows, 0, cols)
        return
    for top in range(0, rows, size):
        for left in range(0, cols, size):
            yield Window(top, min(rows, top + size), left, min(cols, left + size))
