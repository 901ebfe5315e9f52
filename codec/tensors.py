"""Pictures as torch tensors, (C, H, W) or batches, on any device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aez.bitstream import ImageError
from aez.codec.api import codec_for, encode
from aez.codec.base import Data
from aez.codec.model.registry import DEFAULT_MODEL
from aez.codec.picture.sources import File, data_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from aez.codec.options import DecodeSettings, EncodeSettings

_DTYPES = (torch.uint8, torch.uint16, torch.bool)


def encode_tensor(
    tensor: Tensor,
    quality: float | None = None,
    *,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
    **settings: Unpack[EncodeSettings],
) -> bytes:
    """Encode a tensor to the bytes of an `.aez` file.

    Args:
        tensor: (C, H, W) uint8, uint16 (0 to 65535) or bool (0 and 255) on any device, C from 1 to 4: grey,
            grey and alpha, RGB, RGBA.
        quality: 1 … 100, any real number.
        model: name of a packaged model, or path of a weights file.
        device: where to encode: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        settings: the other fields of :class:`aez.codec.options.EncodeOptions`.

    Raises:
        TypeError, ValueError: a tensor of another kind, or an argument out of range.
        AezError: there is no such model or device, or the picture is too large.
    """
    if tensor.dtype not in _DTYPES:
        advice = (
            "samples from 0 to 1 become so by (tensor * 255).round().clamp(0, 255).to(torch.uint8)"
            if tensor.is_floating_point()
            else "samples from 0 to 255 become so by tensor.long().clamp(0, 255).to(torch.uint8)"
        )
        raise TypeError(f"the tensor must be uint8 (or uint16, or bool), not {tensor.dtype}: {advice}")
    if tensor.ndim != 3 or 0 in tensor.shape or tensor.shape[0] > 4:
        raise ValueError(f"the tensor must have shape (C, H, W) with 1 to 4 channels, not {tuple(tensor.shape)}")
    samples = tensor.permute(1, 2, 0).cpu().numpy()
    return encode(samples, quality, model=model, device=device, **settings)


def encode_batch(
    batch: Tensor,
    quality: float | None = None,
    *,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
    **settings: Unpack[EncodeSettings],
) -> list[bytes]:
    """Encode (N, C, H, W) to N files; arguments and errors as :func:`encode_tensor`, a target is that of each file."""
    if batch.ndim != 4:
        raise ValueError(f"the batch must have shape (N, C, H, W), not {tuple(batch.shape)}")
    return [encode_tensor(one, quality, model=model, device=device, **settings) for one in batch]


def decode_tensor(
    data: Data | File, *, model: str | None = None, device: str = "auto", **settings: Unpack[DecodeSettings]
) -> Tensor:
    """Decode an `.aez` file to a tensor on ``device``, as stored; arguments and errors as ``decode_array``.

    Returns:
        (C, H, W) uint8; of files of 10, 12 or 16 bits per sample uint16, from 0 to 1023, 4095 or 65535. On an
        accelerator the samples are made there and not copied through the host.
    """
    with data_of(data) as content:
        codec = codec_for(content, model=model, device=device, limits=settings.get("limits"))
        return codec.decode_tensor(content, **settings)


def decode_batch(
    files: Sequence[Data | File], *, model: str | None = None, device: str = "auto", **settings: Unpack[DecodeSettings]
) -> Tensor:
    """Decode files of pictures of one shape to (N, C, H, W) on ``device``; otherwise as :func:`decode_tensor`.

    Raises:
        ImageError: the pictures have different shapes or types.
        ValueError: there is none.
    """
    if not files:
        raise ValueError("there are no files to decode")
    tensors = [decode_tensor(data, model=model, device=device, **settings) for data in files]
    shapes = {tuple(one.shape) for one in tensors}
    if len(shapes) > 1:
        raise ImageError(f"pictures of different shapes cannot be one batch: {sorted(shapes)}")
    if len({one.dtype for one in tensors}) > 1:
        raise ImageError("pictures of 8 bits and of more cannot be one batch")
    return torch.stack(tensors)
