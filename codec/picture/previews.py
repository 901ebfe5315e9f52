"""Make previews, the small pictures that files can carry."""

import numpy as np
from PIL import Image

from aez.bitstream.sizes import ceil_div
from aez.codec.picture.averages import averaged
from aez.codec.picture.colour.conversion import is_srgb, samples_to_srgb
from aez.codec.picture.depth import Samples, is_deep, to_8_bits
from aez.codec.picture.picture import Picture

PREVIEW_SIDE = 256
"""Longer side of a stored preview, in pixels."""
_BAND = 2**24
"""Samples that are averaged at a time."""


def thumbnail(picture: Picture, side: int = PREVIEW_SIDE) -> Picture:
    """Reduce a picture to at most ``side`` pixels per side, in sRGB, with its orientation and without metadata.

    A deep picture stays deep unless it must be converted to sRGB. Colours are averaged without regard to alpha, so
    transparent pixels must be filled before.
    """
    height, width = picture.samples.shape[:2]
    share = min(1.0, side / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    coarse = max(1, int(1 / share) // 2)
    samples = _resized(_reduced(picture.samples, coarse), size, Image.Resampling.LANCZOS)
    profile = picture.metadata.icc
    if profile and not is_srgb(profile):
        converted = samples_to_srgb(to_8_bits(samples), profile)
        samples = samples if converted is None else converted
    alpha = None
    if picture.alpha is not None:
        alpha = np.array(Image.fromarray(_reduced(picture.alpha, coarse)).resize(size, Image.Resampling.BOX))
    return Picture(samples, alpha, picture.orientation, deep_bits=picture.deep_bits)


def _resized(samples: Samples, size: tuple[int, int], method: Image.Resampling) -> Samples:
    """Resize samples as Pillow does, deep ones as floats."""
    if not is_deep(samples):
        return np.array(Image.fromarray(samples).resize(size, method))
    planes = np.atleast_3d(samples).transpose(2, 0, 1).astype(np.float32)
    resized = np.stack([np.asarray(Image.fromarray(plane).resize(size, method)) for plane in planes], 2)
    out: Samples = np.rint(resized).clip(0, np.iinfo(np.uint16).max).astype(np.uint16)
    return out if samples.ndim == 3 else out[:, :, 0]


def _reduced(samples: Samples, factor: int) -> Samples:
    """Average factor × factor pixels, in bands of rows so that memory stays bounded."""
    if factor == 1:
        return samples
    planes = samples.reshape(*samples.shape[:2], -1)
    rows, cols = ceil_div(planes.shape[0], factor), ceil_div(planes.shape[1], factor)
    out = np.empty((rows, cols, planes.shape[2]), samples.dtype)
    step = max(1, _BAND // (factor * planes.shape[1]))
    for top in range(0, rows, step):
        bottom = min(rows, top + step)
        band = planes[top * factor : bottom * factor]
        for channel in range(planes.shape[2]):
            out[top:bottom, :, channel] = averaged(band[..., channel], factor, (bottom - top, cols))
    return out if samples.ndim == 3 else out[..., 0]
