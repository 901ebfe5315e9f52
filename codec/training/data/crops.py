"""Random training crops of pictures that are held in memory as uint8."""

import math
import random
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.bitstream.errors import ImageError
from aez.bitstream.header import LATENT_STRIDE
from aez.codec.geometry.grid import CELL
from aez.codec.training.data.drawn import drawn_crop

MIN_RESCALE = 0.5
RESCALE_SHARE = 0.6
"""Smallest factor that crops are rescaled by, and share of the crops that are rescaled."""


def _detail(crop: Tensor) -> float:
    """Return the mean absolute difference of neighbours in green, in every fourth row and column: a fast estimate."""
    rows = crop[1, ::4].float()
    columns = crop[1, :, ::4].float()
    return float(rows.diff(dim=1).abs().mean() + columns.diff(dim=0).abs().mean())


class CropSampler:
    """Random square crops, flipped, rotated, and rescaled by 0.5 to 1 with an antialiasing filter.

    Pictures are chosen in proportion to their area. The same seed gives the same crops.
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
        """Keep the pictures whose sides are at least ``size`` pixels.

        Args:
            pictures: (3, H, W) uint8.
            size: side of a crop in pixels.
            seed: seed of everything random.
            candidates: places tried for each crop; the one with the most detail is taken.
            drawn: share of the crops that are drawn shapes (:mod:`aez.codec.training.data.drawn`), not photographs.
            partial: share of the batches whose crops are cut by 0 to 3 latents (16 pixels each) below and on the right,
                so that they end in part of a hyper-latent, as most pictures do.

        Raises:
            ImageError: no picture is large enough.
        """
        self.pictures = [p for p in pictures if min(p.shape[1:]) >= size]
        if not self.pictures:
            raise ImageError(f"no training picture is at least {size} pixels a side")
        self.size, self.candidates, self.drawn, self.partial = size, candidates, drawn, partial
        self.random = random.Random(seed)
        self.areas = [p.shape[1] * p.shape[2] for p in self.pictures]

    def crop(self) -> Tensor:
        """Make one crop, (3, size, size) float32, RGB / 255 − 1/2."""
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
        """Make a batch, (count, 3, size, size) float32, channels last; sides of partial batches are up to 48 less."""
        crops = torch.stack([self.crop() for _ in range(count)])
        if self.partial and self.random.random() < self.partial:
            height, width = (self.size - LATENT_STRIDE * self.random.randint(0, CELL - 1) for _ in range(2))
            crops = crops[:, :, :height, :width]
        return crops.contiguous(memory_format=torch.channels_last)
