"""Pictures as torch tensors, (C, H, W) or batches, on any device."""

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from aez.bitstream import ImageError, Limits
from aez.codec.api import codec_for, encode
from aez.codec.codec import Data
from aez.codec.decoding.latent_access import DEFAULT_QUALITY
from aez.codec.decoding.regions import Region
from aez.codec.encoding.effort import DEFAULT_EFFORT
from aez.codec.encoding.target import Target
from aez.codec.model.registry import DEFAULT_MODEL
from aez.codec.picture.alpha import LOSSLESS
from aez.codec.picture.sources import File, data_of

_DTYPES = (torch.uint8, torch.uint16, torch.bool)


def encode_tensor(
    tensor: Tensor,
    quality: float = DEFAULT_QUALITY,
    *,
    target: Target | None = None,
    effort: int = DEFAULT_EFFORT,
    alpha_quality: float = LOSSLESS,
    preview: bool = False,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
) -> bytes:
    """A tensor as the bytes of an `.aez` file.

    Args:
        tensor: (C, H, W) uint8, uint16 (rounded to 8 bits) or bool (0 and 255) on any device, C from 1 to 4: grey,
            grey and alpha, RGB, RGBA.
        quality: 1 … 100, any real number.
        target: a size, bits a pixel or PSNR to reach instead of a quality.
        effort: 0 (quickest) to 9 (smallest file).
        alpha_quality: 1 … 100, of alpha alone; 100 for no loss.
        preview: put a small picture in front.
        model: a packaged model's name or a weights file's path.
        device: where to encode: ``auto``, ``cpu``, ``cuda`` or ``mps``.

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
    return encode(
        samples,
        quality,
        target=target,
        effort=effort,
        alpha_quality=alpha_quality,
        preview=preview,
        model=model,
        device=device,
    )


def encode_batch(
    batch: Tensor,
    quality: float = DEFAULT_QUALITY,
    *,
    target: Target | None = None,
    effort: int = DEFAULT_EFFORT,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
) -> list[bytes]:
    """(N, C, H, W) as N files; arguments and errors as :func:`encode_tensor`, a target is that of each file."""
    if batch.ndim != 4:
        raise ValueError(f"the batch must have shape (N, C, H, W), not {tuple(batch.shape)}")
    return [encode_tensor(one, quality, target=target, effort=effort, model=model, device=device) for one in batch]


def decode_tensor(
    data: Data | File,
    *,
    region: Region | None = None,
    scale: float | Fraction = 1,
    model: str | None = None,
    device: str = "auto",
    limits: Limits | None = None,
) -> Tensor:
    """The picture of an `.aez` file as stored, as a tensor on ``device``; arguments and errors as ``decode_array``.

    Returns:
        (C, H, W) uint8. On an accelerator the samples are made there and not copied through the host.
    """
    with data_of(data) as content:
        codec = codec_for(content, model=model, device=device, limits=limits)
        return codec.decode_tensor(content, region=region, scale=scale, limits=limits)


def decode_batch(
    files: Sequence[Data | File],
    *,
    scale: float | Fraction = 1,
    model: str | None = None,
    device: str = "auto",
    limits: Limits | None = None,
) -> Tensor:
    """Files of pictures of one shape as (N, C, H, W) uint8 on ``device``; otherwise as :func:`decode_tensor`.

    Raises:
        ImageError: the pictures have different shapes.
        ValueError: there is none.
    """
    if not files:
        raise ValueError("there are no files to decode")
    tensors = [decode_tensor(data, scale=scale, model=model, device=device, limits=limits) for data in files]
    shapes = {tuple(one.shape) for one in tensors}
    if len(shapes) > 1:
        raise ImageError(f"pictures of different shapes cannot be one batch: {sorted(shapes)}")
    return torch.stack(tensors)
