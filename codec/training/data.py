"""Pictures held in memory as uint8, and random crops cut from them."""

import io
import math
import random
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from aez.bitstream.errors import ImageError
from aez.bitstream.header import LATENT_STRIDE
from aez.codec.geometry.grid import CELL
from aez.codec.training.drawn import drawn_crop

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm"}
MIN_RESCALE = 0.5
RESCALE_SHARE = 0.6


def _decode(data: bytes, name: str) -> Tensor:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{name}: cannot be read as a picture ({error})") from None


def iter_pictures(paths: Sequence[Path]) -> Iterator[Tensor]:
    """Every picture of files, folders (recursively) and tar shards, as (3, H, W) uint8 RGB.

    Raises:
        ImageError: a path is missing, or a picture in it cannot be read.
    """
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES | {".tar"})
            yield from iter_pictures(inside)
        elif path.suffix.lower() == ".tar":
            try:
                with tarfile.open(path) as shard:
                    for member in shard:
                        stream = shard.extractfile(member) if member.isfile() else None
                        if stream and Path(member.name).suffix.lower() in SUFFIXES:
                            yield _decode(stream.read(), f"{path}:{member.name}")
            except (OSError, tarfile.TarError) as error:
                raise ImageError(f"{path}: cannot be read ({error})") from None
        elif path.is_file():
            yield _decode(path.read_bytes(), str(path))
        else:
            raise ImageError(f"{path}: no such file or folder")


def _detail(crop: Tensor) -> float:
    """Mean absolute difference of neighbours in green, of every fourth row and column: quick to tell flat from busy."""
    rows = crop[1, ::4].float()
    columns = crop[1, :, ::4].float()
    return float(rows.diff(dim=1).abs().mean() + columns.diff(dim=0).abs().mean())


def middle(picture: Tensor, side: int) -> Tensor:
    """The middle of a picture, (C, H, W) to (C, min(H, side), min(W, side)), a view."""
    top, left = (max(0, (length - side) // 2) for length in picture.shape[1:])
    return picture[:, top : top + side, left : left + side]


class CropSampler:
    """Random square crops, flipped, turned, and rescaled by 0.5 to 1 with an antialiasing filter.

    Pictures are drawn in proportion to their area. The same seed gives the same crops.
    """

    def __init__(
        self,
        pictures: Sequence[Tensor],
        size: int,
        seed: int,
        candidates: int = 1,
        drawn: float = 0.0,
        partial: float = 0.0,
    ) -> None:
        """Keep ``pictures`` ((3, H, W) uint8) that are at least ``size`` pixels a side.

        Args:
            pictures: to draw from.
            size: pixels a side of a crop.
            seed: of all that is random.
            candidates: places that are looked at for each crop; that with the most detail is taken.
            drawn: share of the crops that are drawn (:mod:`aez.codec.training.drawn`) instead of cut from a picture.
            partial: share of the batches whose crops are cut by 0 to 3 latents (16 pixels each) below and on the right,
                so that they end in part of a cell of the hyper-latent as most pictures do.

        Raises:
            ImageError: there is none.
        """
        self.pictures = [p for p in pictures if min(p.shape[1:]) >= size]
        if not self.pictures:
            raise ImageError(f"no training picture is at least {size} pixels a side")
        self.size, self.candidates, self.drawn, self.partial = size, candidates, drawn, partial
        self.random = random.Random(seed)
        self.areas = [p.shape[1] * p.shape[2] for p in self.pictures]

    def crop(self) -> Tensor:
        """One crop, (3, size, size) float32, RGB / 255 − 1/2."""
        draw = self.random
        if self.drawn and draw.random() < self.drawn:
            return drawn_crop(draw, self.size) / 255 - 0.5
        picture = draw.choices(self.pictures, self.areas)[0]
        scale = draw.uniform(MIN_RESCALE, 1.0) if draw.random() < RESCALE_SHARE else 1.0
        side = min(math.ceil(self.size / scale), *picture.shape[1:])
        places = [
            (draw.randint(0, picture.shape[1] - side), draw.randint(0, picture.shape[2] - side))
            for _ in range(self.candidates)
        ]
        crops = [picture[:, i : i + side, j : j + side] for i, j in places]
        crop = (crops[0] if self.candidates == 1 else max(crops, key=_detail)).float()
        if side > self.size:
            crop = F.interpolate(crop[None], size=(self.size, self.size), mode="bilinear", antialias=True)[0].round()
        if draw.random() < 0.5:
            crop = crop.flip(2)
        if draw.random() < 0.5:
            crop = crop.flip(1)
        if draw.random() < 0.5:
            crop = crop.transpose(1, 2)
        return crop / 255 - 0.5

    def batch(self, count: int) -> Tensor:
        """(count, 3, size, size) float32, channels last; sides are less by up to 48 pixels in partial batches."""
        crops = torch.stack([self.crop() for _ in range(count)])
        if self.partial and self.random.random() < self.partial:
            height, width = (self.size - LATENT_STRIDE * self.random.randint(0, CELL - 1) for _ in range(2))
            crops = crops[:, :, :height, :width]
        return crops.contiguous(memory_format=torch.channels_last)
