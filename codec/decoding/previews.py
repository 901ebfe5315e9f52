"""Small pictures: the one that a file can carry in front, and what serves as one where it carries none."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import ChunkType, FormatError, Header, Limits, read_container, read_header, read_preview
from aez.bitstream.container import Buffer
from aez.codec.decoding.regions import REDUCTIONS, averaged
from aez.codec.picture.colour.conversion import is_srgb, samples_to_srgb
from aez.codec.picture.picture import Picture
from aez.codec.symbols.windows import Window

PREVIEW_SIDE = 256
MAX_PREVIEW_SIDE = 1024
_BAND = 2**24


def thumbnail(picture: Picture, side: int = PREVIEW_SIDE) -> Picture:
    """A picture of at most ``side`` pixels a side in sRGB, orientation kept, without metadata.

    Colours are averaged without regard to alpha: fill those of transparent pixels before.
    """
    height, width = picture.samples.shape[:2]
    share = min(1.0, side / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    coarse = max(1, int(1 / share) // 2)
    samples = np.array(Image.fromarray(_reduced(picture.samples, coarse)).resize(size, Image.Resampling.LANCZOS))
    profile = picture.metadata.icc
    if profile and not is_srgb(profile):
        converted = samples_to_srgb(samples, profile)
        samples = samples if converted is None else converted
    alpha = None
    if picture.alpha is not None:
        alpha = np.array(Image.fromarray(_reduced(picture.alpha, coarse)).resize(size, Image.Resampling.BOX))
    return Picture(samples, alpha, picture.orientation)


def _reduced(samples: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Averages of factor × factor pixels, in bands of rows so that memory stays bounded."""
    if factor == 1:
        return samples
    planes = samples.reshape(*samples.shape[:2], -1)
    rows, cols = -(-planes.shape[0] // factor), -(-planes.shape[1] // factor)
    out = np.empty((rows, cols, planes.shape[2]), np.uint8)
    step = max(1, _BAND // (factor * planes.shape[1]))
    for top in range(0, rows, step):
        window = Window(top, min(rows, top + step), 0, cols)
        band = planes[top * factor : window.bottom * factor]
        for channel in range(planes.shape[2]):
            out[top : window.bottom, :, channel] = averaged(band[..., channel], factor, window)
    return out if samples.ndim == 3 else out[..., 0]


def stored_preview(data: Buffer, limits: Limits | None = None) -> bytes | None:
    """The preview that a file carries, itself a file; None if there is none. Nothing behind it is looked at.

    Raises:
        FormatError, LimitError: it is damaged, larger than a preview may be, or has a preview itself.
    """
    payload = read_preview(data, limits)
    if payload is None:
        return None
    header = read_header(payload, limits)
    if max(header.width, header.height) > MAX_PREVIEW_SIDE:
        raise FormatError(f"the preview has more than {MAX_PREVIEW_SIDE} pixels a side")
    if ChunkType.PREVIEW in read_container(payload, limits).metadata:
        raise FormatError("the preview has a preview")
    return payload


def preview_reduction(header: Header) -> int:
    """The largest reduction that leaves the longer side at least ``PREVIEW_SIDE`` pixels; 1 for small pictures."""
    longer = max(header.width, header.height)
    return max((n for n in REDUCTIONS if longer >= n * PREVIEW_SIDE), default=1)
