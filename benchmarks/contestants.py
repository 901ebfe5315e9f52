"""Codecs that `aez.benchmarks.speed` times, each with one way to encode and one to decode, in memory."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from aez.benchmarks.classic import ClassicCodec, decode
from aez.benchmarks.pictures import psnr, samples_of
from aez.codec.codec import Codec


class Contestant(Protocol):
    """A codec set to one quality."""

    @property
    def name(self) -> str:
        """For tables."""

    def encode(self, image: Image.Image) -> Any:
        """An image of mode RGB to whatever :meth:`decode` takes, entropy-coded."""

    def decode(self, coded: Any) -> Image.Image:
        """Back to an image of mode RGB."""


@dataclass(frozen=True)
class Ours:
    """aez."""

    codec: Codec
    quality: float
    name: str = "aez"

    def encode(self, image: Image.Image) -> bytes:
        """The bytes of a file."""
        return self.codec.encode(image, self.quality)

    def decode(self, coded: bytes) -> Image.Image:
        """The picture."""
        return self.codec.decode(coded)


@dataclass(frozen=True)
class Classic:
    """A format of Pillow's."""

    codec: ClassicCodec
    quality: int

    @property
    def name(self) -> str:
        """The format."""
        return self.codec.name

    def encode(self, image: Image.Image) -> bytes:
        """The bytes of a file."""
        return self.codec.encode(image, self.quality)

    def decode(self, coded: bytes) -> Image.Image:
        """The picture."""
        return decode(coded)


def classic_like(codec: ClassicCodec, image: Image.Image, target: float) -> Classic:
    """A classic codec at the lowest quality, 1 … 100, that reaches a PSNR on a picture; 100 if none does.

    Args:
        codec: which.
        image: the picture, mode RGB.
        target: PSNR in dB.
    """
    original = samples_of(image)
    low, high = 1, 100
    while low < high:
        middle = (low + high) // 2
        if psnr(original, samples_of(decode(codec.encode(image, middle)))) >= target:
            high = middle
        else:
            low = middle + 1
    return Classic(codec, low)


class MeanScaleHyperprior:
    """CompressAI's mbt2018-mean at quality 4 with random weights: they cost what trained ones cost in the networks."""

    name = "mbt2018-mean"

    def __init__(self) -> None:
        """Build it.

        Raises:
            ImportError: compressai is not installed.
        """
        from compressai.zoo import mbt2018_mean

        torch.manual_seed(0)
        self.model = mbt2018_mean(quality=4, metric="mse", pretrained=False).eval()
        self.model.update(force=True)

    @torch.inference_mode()
    def encode(self, image: Image.Image) -> tuple[Any, tuple[int, int]]:
        """Strings and shape as CompressAI has them, and the picture's width and height."""
        x = torch.from_numpy(samples_of(image)).permute(2, 0, 1)[None].float() / 255
        x = F.pad(x, (0, -image.width % 64, 0, -image.height % 64), mode="replicate")
        return self.model.compress(x), image.size

    @torch.inference_mode()
    def decode(self, coded: tuple[Any, tuple[int, int]]) -> Image.Image:
        """The picture."""
        strings, (width, height) = coded
        x = self.model.decompress(strings["strings"], strings["shape"])["x_hat"][0, :, :height, :width]
        levels = x.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
        return Image.fromarray(np.ascontiguousarray(levels.numpy()))
