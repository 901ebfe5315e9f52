"""The short way: one call a picture, models kept once loaded."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import Limits, read_header
from aez.codec.alpha import LOSSLESS
from aez.codec.codec import DEFAULT_QUALITY, Codec, Pixels
from aez.codec.registry import DEFAULT_MODEL, find_fingerprint


@functools.lru_cache(maxsize=4)
def load(model: str = DEFAULT_MODEL, device: str = "auto", precision: str = "auto") -> Codec:
    """A :class:`Codec`, the same one for the same arguments."""
    return Codec(model, device, precision)


def encode(
    image: Pixels,
    quality: float = DEFAULT_QUALITY,
    *,
    alpha_quality: float = LOSSLESS,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
) -> bytes:
    """A picture as the bytes of an `.aez` file.

    Args:
        image: a Pillow image of any mode, or an (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8 array.
        quality: 1 … 100, any real number.
        alpha_quality: 1 … 100, of alpha alone; 100 for no loss.
        model: a packaged model's name or a weights file's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        AezError: the picture cannot be read, or there is no such model or device.
        ValueError, TypeError: an argument is out of range or an array of the wrong kind.
    """
    return load(model, device).encode(image, quality, alpha_quality=alpha_quality)


def codec_for(data: bytes, *, model: str | None = None, device: str = "auto", limits: Limits | None = None) -> Codec:
    """The codec that a file needs: the packaged model it names, or ``model``.

    Raises:
        FormatError, LimitError: the data do not start with a valid header, or ask for too much.
        ModelError: the file's model is not in the package.
    """
    if model is None:
        model = find_fingerprint(read_header(data, limits).fingerprint).name
    return load(model, device)


def decode(data: bytes, *, model: str | None = None, device: str = "auto", limits: Limits | None = None) -> Image.Image:
    """The picture of an `.aez` file, turned as it is meant to be seen, as a Pillow image of mode RGB, RGBA, L or LA.

    Args:
        data: the whole file.
        model: weights to use; None for the packaged model that the file names.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        limits: what the file may ask for.

    Raises:
        AezError: FormatError, TruncatedError, ChecksumError, LimitError or ModelError, see their documentation.
    """
    return codec_for(data, model=model, device=device, limits=limits).decode(data, limits=limits)


def decode_array(
    data: bytes, *, model: str | None = None, device: str = "auto", limits: Limits | None = None
) -> NDArray[np.uint8]:
    """The picture of an `.aez` file as stored; arguments and errors as :func:`decode`.

    Returns:
        uint8: (H, W, 3) for RGB, (H, W) for grey, one channel more, (H, W, 4) or (H, W, 2), with alpha.
    """
    return codec_for(data, model=model, device=device, limits=limits).decode_array(data, limits=limits)


def info(data: bytes, *, limits: Limits | None = None) -> dict[str, Any]:
    """What a file says of itself, every checksum verified; the keys are those of `aez info --json`.

    Raises:
        FormatError, LimitError: the data are damaged, or ask for too much.
    """
    from aez.codec.describe import describe

    return describe(data, limits)
