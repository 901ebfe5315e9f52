"""One call per picture; models are kept once loaded."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from PIL import Image

from aez.bitstream import Limits, read_header
from aez.codec.base import Data, PictureCodec
from aez.codec.codec import Codec, hyperprior
from aez.codec.model.registry import DEFAULT_MODEL, find_fingerprint, find_model
from aez.codec.picture.depth import Samples
from aez.codec.picture.picture import Picture, Pixels
from aez.codec.picture.sources import File, data_of
from aez.codec.symbols.representation import Latents

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from aez.codec.options import DecodeSettings, EncodeSettings


@functools.lru_cache(maxsize=4)
def load(
    model: str = DEFAULT_MODEL, device: str = "auto", precision: str = "auto", runtime: str = "auto"
) -> PictureCodec:
    """Load a codec, the same one for the same arguments.

    Args:
        model: name of a packaged model, the codec's own or one of the autoencoder family, or path of a weights file.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32`` or ``bfloat16``; the family is always float32.
        runtime: ``auto``, ``light`` or ``torch``, see :func:`aez.codec.runtime.choice.networks_for`.

    Returns:
        A :class:`Codec`, or a member of the family with the same methods except those of latents.

    Raises:
        ModelError: there is no such model, it is damaged, or it is not one that compresses.
    """
    if find_model(model).family:
        from aez.codec.family.coding import FamilyCodec

        return FamilyCodec(model, device, runtime)
    return Codec(model, device, precision, runtime)


def encode(
    image: Pixels | File,
    quality: float | None = None,
    *,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
    frame: int | None = None,
    **settings: Unpack[EncodeSettings],
) -> bytes:
    """Encode a picture to the bytes of an `.aez` file.

    Args:
        image: a Pillow image of any mode (of an animation, the frame at which it stands); an (H, W), (H, W, 2),
            (H, W, 3) or (H, W, 4) array of uint8, uint16 (0 to 65535) or bool (0 and 255); or the path of a picture
            file, which is read as the command line reads it. Files of 16 bits per sample are read as such, and so are
            Pillow images of modes I;16, I and F, and images that Pillow has opened but not loaded.
        quality: 1 … 100, any real number; if it is not given, that of :class:`aez.codec.options.EncodeOptions`.
        model: name of a packaged model, or path of a weights file.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        frame: number of the frame or page of a picture file, from 1; None for the first one, with a warning if there
            are others.
        settings: the other fields of :class:`aez.codec.options.EncodeOptions`: ``target``, ``effort``,
            ``alpha_quality``, ``preview``, ``tile_log2``, ``content``, ``lossless``, ``depth``.

    Raises:
        AezError: the picture cannot be read, or there is no such model or device.
        ValueError, TypeError: an argument is out of range or of the wrong type, or a frame is given but no path.
    """
    return load(model, device).encode(image, quality, frame=frame, **settings)


def latents(
    image: Pixels | Picture | File,
    quality: float | None = None,
    *,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
    **settings: Unpack[EncodeSettings],
) -> Latents:
    """Return a picture's latents, their symbols and what these cost; see :meth:`aez.codec.Codec.latents`.

    Args:
        image: as for :func:`encode`.
        quality: 1 … 100.
        model: name of a packaged model, or path of a weights file.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        settings: as for :func:`encode`; ``effort`` and ``tile_log2`` count.

    Raises:
        AezError: the picture cannot be read, there is no such model or device, or it is one of the family.
        ValueError, TypeError: an argument is out of range or of the wrong type.
    """
    return hyperprior(load(model, device)).latents(image, quality, **settings)


def from_latents(latents: Latents, *, model: str = DEFAULT_MODEL, device: str = "auto") -> Image.Image:
    """Decode latents, edited or not, to a picture; see :meth:`aez.codec.Codec.from_latents`.

    Args:
        latents: of the same model.
        model: name of a packaged model, or path of a weights file.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        AezError: there is no such model or device.
        ValueError: ``latents.y_hat`` has the wrong shape, or holds what is not a number.
    """
    return hyperprior(load(model, device)).from_latents(latents)


def codec_for(
    data: Data, *, model: str | None = None, device: str = "auto", limits: Limits | None = None
) -> PictureCodec:
    """Load the codec that a file needs: the packaged model it names, or ``model``.

    Raises:
        FormatError, LimitError: the data do not start with a valid header, or ask for too much.
        ModelError: the file's model is not in the package.
    """
    if model is None:
        model = find_fingerprint(read_header(data, limits).fingerprint).name
    return load(model, device)


def decode(
    data: Data | File, *, model: str | None = None, device: str = "auto", **settings: Unpack[DecodeSettings]
) -> Image.Image:
    """Decode an `.aez` file to a Pillow image of mode RGB, RGBA, L or LA, turned as it is meant to be seen.

    A deep grey picture, one of 10, 12 or 16 bits per sample, has mode I;16. Pillow has no mode for deep colour or deep
    grey with alpha: such pictures are rounded to 8 bits here, and :func:`decode_array` gives all bits. ``info`` of the
    image holds the metadata under ``icc_profile``, ``exif`` and ``xmp``.

    Args:
        data: the whole file: bytes, or anything with a buffer, as a memory-mapped file; or its path.
        model: weights to use; None for the packaged model that the file names.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        settings: the fields of :class:`aez.codec.options.DecodeOptions`: ``region`` (of the picture as it is meant to
            be seen), ``scale``, ``limits``.

    Raises:
        AezError: FormatError, TruncatedError, ChecksumError, LimitError or ModelError, see their documentation;
            ImageError if the region is not within the picture; or there is no such file.
        ValueError: an option is out of range.
    """
    with data_of(data) as content:
        return codec_for(content, model=model, device=device, limits=settings.get("limits")).decode(content, **settings)


def decode_array(
    data: Data | File, *, model: str | None = None, device: str = "auto", **settings: Unpack[DecodeSettings]
) -> Samples:
    """Decode an `.aez` file to an array, as stored; a region is one as stored. Otherwise as :func:`decode`.

    Returns:
        (H, W, 3) for RGB, (H, W) for grey; with alpha one channel more, (H, W, 4) or (H, W, 2). They are uint8; of
        files of 10, 12 or 16 bits per sample uint16, from 0 to 1023, 4095 or 65535, alpha scaled to the same range.
    """
    with data_of(data) as content:
        codec = codec_for(content, model=model, device=device, limits=settings.get("limits"))
        return codec.decode_array(content, **settings)


def preview(
    data: Data | File, *, model: str | None = None, device: str = "auto", limits: Limits | None = None
) -> Image.Image:
    """Decode a small picture, quickly: the preview of an `.aez` file, or its picture at a smaller scale.

    For a file with a preview its first bytes are enough. Arguments and errors as :func:`decode`.
    """
    with data_of(data) as content:
        return codec_for(content, model=model, device=device, limits=limits).preview(content, limits=limits)


def info(data: Data | File, *, limits: Limits | None = None) -> dict[str, Any]:
    """Return what a file says of itself, every checksum verified; the keys are those of `aez info --json`.

    Raises:
        AezError: the file cannot be read, is damaged, or asks for too much.
    """
    from aez.codec.describe import describe

    with data_of(data) as content:
        return describe(content, limits)
