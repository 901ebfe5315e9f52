"""The short way: one call a picture, models kept once loaded."""

import functools
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import Limits, read_header
from aez.codec.codec import Codec, Data
from aez.codec.decoding.latent_access import DEFAULT_QUALITY
from aez.codec.decoding.regions import Region
from aez.codec.encoding.effort import DEFAULT_EFFORT
from aez.codec.encoding.target import Target
from aez.codec.model.registry import DEFAULT_MODEL, find_fingerprint, find_model
from aez.codec.picture.alpha import LOSSLESS
from aez.codec.picture.picture import Picture, Pixels
from aez.codec.picture.sources import File, data_of
from aez.codec.symbols.representation import Latents


@functools.lru_cache(maxsize=4)
def load(model: str = DEFAULT_MODEL, device: str = "auto", precision: str = "auto") -> Codec:
    """A :class:`Codec`, the same one for the same arguments.

    Args:
        model: name of a packaged model, the codec's own or one of the autoencoder family, or path of a weights file.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32`` or ``bfloat16``; the family is always float32.

    Raises:
        ModelError: there is no such model, it is damaged, or it is not one that compresses.
    """
    if find_model(model).family:
        from aez.codec.family.coding import FamilyCodec

        return FamilyCodec(model, device)
    return Codec(model, device, precision)


def encode(
    image: Pixels | File,
    quality: float = DEFAULT_QUALITY,
    *,
    target: Target | None = None,
    effort: int = DEFAULT_EFFORT,
    alpha_quality: float = LOSSLESS,
    preview: bool = False,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
) -> bytes:
    """A picture as the bytes of an `.aez` file.

    Args:
        image: a Pillow image of any mode, of an animation the frame at which it stands; an (H, W), (H, W, 2),
            (H, W, 3) or (H, W, 4) array of uint8, uint16 (rounded to 8 bits) or bool (0 and 255); or the path of a
            picture file, which is read as the command line reads it, of an animation the first frame.
        quality: 1 … 100, any real number.
        target: a size, bits a pixel or PSNR to reach instead of a quality.
        effort: 0 (quickest) to 9 (smallest file): time spent on this picture; decoding is the same.
        alpha_quality: 1 … 100, of alpha alone; 100 for no loss.
        preview: put a small picture in front, of at most 256 pixels a side; see the function :func:`preview`.
        model: a packaged model's name or a weights file's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        AezError: the picture cannot be read, or there is no such model or device.
        ValueError, TypeError: an argument is out of range or an array of the wrong kind.
    """
    codec = load(model, device)
    if target is not None:
        return codec.encode_to(image, target, effort=effort, alpha_quality=alpha_quality, preview=preview)
    return codec.encode(image, quality, effort=effort, alpha_quality=alpha_quality, preview=preview)


def latents(
    image: Pixels | Picture | File,
    quality: float = DEFAULT_QUALITY,
    *,
    effort: int = DEFAULT_EFFORT,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
) -> Latents:
    """A picture's latents, their symbols and what these cost; see :meth:`aez.codec.Codec.latents`.

    Args:
        image: as for :func:`encode`.
        quality: 1 … 100.
        effort: 0 … 9, with which symbols are chosen.
        model: a packaged model's name or a weights file's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        AezError: the picture cannot be read, or there is no such model or device.
        ValueError, TypeError: an argument is out of range or an array of the wrong kind.
    """
    return load(model, device).latents(image, quality, effort=effort)


def from_latents(latents: Latents, *, model: str = DEFAULT_MODEL, device: str = "auto") -> Image.Image:
    """The picture of latents, edited or not; see :meth:`aez.codec.Codec.from_latents`.

    Args:
        latents: of the same model.
        model: a packaged model's name or a weights file's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        AezError: there is no such model or device.
        ValueError: ``latents.y_hat`` has the wrong shape, or holds what is not a number.
    """
    return load(model, device).from_latents(latents)


def codec_for(data: Data, *, model: str | None = None, device: str = "auto", limits: Limits | None = None) -> Codec:
    """The codec that a file needs: the packaged model it names, or ``model``.

    Raises:
        FormatError, LimitError: the data do not start with a valid header, or ask for too much.
        ModelError: the file's model is not in the package.
    """
    if model is None:
        model = find_fingerprint(read_header(data, limits).fingerprint).name
    return load(model, device)


def decode(
    data: Data | File,
    *,
    region: Region | None = None,
    scale: float | Fraction = 1,
    model: str | None = None,
    device: str = "auto",
    limits: Limits | None = None,
) -> Image.Image:
    """The picture of an `.aez` file, turned as it is meant to be seen, as a Pillow image of mode RGB, RGBA, L or LA.

    Its ``info`` holds the metadata under ``icc_profile``, ``exif`` and ``xmp``.

    Args:
        data: the whole file: bytes, or anything with a buffer, as a memory-mapped file; or its path.
        region: column, row, width and height of the part to decode, in pixels of the picture as it is meant to be seen.
            Only the tiles that it needs are read and decoded.
        scale: 1, 1/2, 1/4, 1/8 or 1/16; 1/8 and below are quick and leave out what they would hardly show.
        model: weights to use; None for the packaged model that the file names.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        limits: what the file may ask for.

    Raises:
        AezError: FormatError, TruncatedError, ChecksumError, LimitError or ModelError, see their documentation;
            ImageError if the region is not within the picture; or there is no such file.
        ValueError: the scale is another.
    """
    with data_of(data) as content:
        codec = codec_for(content, model=model, device=device, limits=limits)
        return codec.decode(content, region=region, scale=scale, limits=limits)


def decode_array(
    data: Data | File,
    *,
    region: Region | None = None,
    scale: float | Fraction = 1,
    model: str | None = None,
    device: str = "auto",
    limits: Limits | None = None,
) -> NDArray[np.uint8]:
    """The picture of an `.aez` file as stored, and a region of it as stored; otherwise as :func:`decode`.

    Returns:
        uint8: (H, W, 3) for RGB, (H, W) for grey, one channel more, (H, W, 4) or (H, W, 2), with alpha.
    """
    with data_of(data) as content:
        codec = codec_for(content, model=model, device=device, limits=limits)
        return codec.decode_array(content, region=region, scale=scale, limits=limits)


def preview(
    data: Data | File, *, model: str | None = None, device: str = "auto", limits: Limits | None = None
) -> Image.Image:
    """A small picture, quickly: the preview of an `.aez` file, or its picture at a smaller scale if it has none.

    For a file with a preview its first bytes are enough. Arguments and errors as :func:`decode`.
    """
    with data_of(data) as content:
        return codec_for(content, model=model, device=device, limits=limits).preview(content, limits=limits)


def info(data: Data | File, *, limits: Limits | None = None) -> dict[str, Any]:
    """What a file says of itself, every checksum verified; the keys are those of `aez info --json`.

    Raises:
        AezError: the file cannot be read, is damaged, or asks for too much.
    """
    from aez.codec.describe import describe

    with data_of(data) as content:
        return describe(content, limits)
