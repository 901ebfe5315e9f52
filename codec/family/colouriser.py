"""Grey to colour, the family's example of image-to-image transformation: luma in, chroma out.

A U-Net at 1/8 and below with the whole crop's mean features added at its bottom; it gives Cb and Cr at 1/4, which the
eye does not tell from more (Cheng et al., ICCV 2015, learned chroma from luma features first; Zhang et al., ECCV 2016,
discuss why a squared error gives pale colours, which these are).
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.family.base import FamilyModel
from aez.codec.networks.blocks import small_start
from aez.codec.networks.residual import UNet, channels_inside
from aez.codec.runtime.torch.device import choose_precision

STRIDE = 32
"""Sides of what the network takes are multiples of this."""
CHROMA_STRIDE = 4
"""Pixels a side of what one chroma sample stands for."""
_BETA = 0.05
"""Errors of chroma (in units of its whole range) above this count linearly: rare colours do not rule the rest."""


class Colouriser(FamilyModel):
    """Luma to chroma."""

    NAME: ClassVar[str] = "colouriser"
    SUMMARY: ClassVar[str] = "guesses the colours of grey pictures, for `aez colourise`"
    CROP: ClassVar[int] = 256
    BATCH: ClassVar[int] = 4
    LEARNING_RATE: ClassVar[float] = 1e-3

    def __init__(
        self,
        width8: int = 96,
        width16: int = 128,
        width32: int = 160,
        depth8: int = 2,
        depth16: int = 1,
        depth32: int = 2,
    ) -> None:
        """Widths at 1/8, 1/16 and 1/32 of the picture, and blocks there."""
        super().__init__(
            width8=width8, width16=width16, width32=width32, depth8=depth8, depth16=depth16, depth32=depth32
        )
        self.head = nn.Conv2d(64, width8, 3, padding=1)
        self.body = UNet((width8, width16, width32), (depth8, depth16, depth32))
        self.body.middle.insert(depth32 // 2, GlobalContext(width32))
        self.tail = nn.Conv2d(width8, 2 * 4, 3, padding=1)
        small_start(self.tail)

    def forward(self, luma: Tensor) -> Tensor:
        """Guess chroma.

        Args:
            luma: (N, 1, H, W) float32, Y / 255 − 1/2, sides multiples of 32.

        Returns:
            (N, 2, H/4, W/4) float32: Cb and Cr as :func:`chroma` has them.
        """
        h = channels_inside(F.pixel_unshuffle(luma, 8))
        kind = choose_precision(luma.device.type)
        with torch.autocast(luma.device.type, kind, enabled=kind != torch.float32):
            h = self.body(self.head(h))
        return F.pixel_shuffle(self.tail(h.float()), 2)

    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Huber's loss (1964) between guessed and true chroma at 1/4."""
        luma, colour = chroma(pictures)
        guessed = self(luma)
        true = F.avg_pool2d(colour, CHROMA_STRIDE)
        error = F.smooth_l1_loss(guessed, true, beta=_BETA)
        square = (guessed - true).detach().square().mean()
        return {"loss": error, "psnr": -10 * torch.log10(square)}


class GlobalContext(nn.Module):
    """x + a linear map of its mean over all positions."""

    def __init__(self, channels: int) -> None:
        """Start near the identity."""
        super().__init__()
        self.hidden = nn.Conv2d(channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        small_start(self.out, 1e-2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        mean = x.mean((2, 3), keepdim=True)
        added: Tensor = self.out(F.relu(self.hidden(mean)))
        return x + added


def chroma(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """RGB / 255 − 1/2 (N, 3, H, W) to luma (N, 1, H, W), −1/2 … 1/2, and Cb, Cr (N, 2, H, W), −1/2 … 1/2 (BT.601)."""
    red, green, blue = pictures.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return luma[:, None], torch.stack([(blue - luma) / 1.772, (red - luma) / 1.402], 1)


def to_rgb(luma: Tensor, colour: Tensor) -> Tensor:
    """Inverse of :func:`chroma`; not clipped."""
    blue_difference, red_difference = colour[:, :1] * 1.772, colour[:, 1:] * 1.402
    green_difference = -(0.299 * red_difference + 0.114 * blue_difference) / 0.587
    return luma + torch.cat([red_difference, green_difference, blue_difference], 1)
