"""The colouriser, a network that predicts the chroma of a picture from its luma.

A U-Net works at 1/8 of the size and below; the mean features of the whole crop are added at its bottom. It predicts Cb
and Cr at 1/4 of the size, since the eye resolves chroma less than luma. Cheng et al. (ICCV 2015) first learned chroma
from luma features. Zhang et al. (ECCV 2016) discuss why a squared error gives pale colours, which this network has too.
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
"""The network takes pictures whose sides are multiples of this."""
CHROMA_STRIDE = 4
"""Side, in pixels, of the area of one chroma sample."""
_BETA = 0.05
"""Chroma error, in units of the range, above which the loss is linear, so that rare colours do not dominate."""


class Colouriser(FamilyModel):
    """A network from luma to chroma."""

    NAME: ClassVar[str] = "colouriser"
    SUMMARY: ClassVar[str] = "guesses the colours of grey pictures, for `aez colourise`"

    def __init__(
        self,
        width8: int = 96,
        width16: int = 128,
        width32: int = 160,
        depth8: int = 2,
        depth16: int = 1,
        depth32: int = 2,
    ) -> None:
        """Build layers with these widths and numbers of blocks at 1/8, 1/16 and 1/32 of the picture."""
        super().__init__(
            width8=width8, width16=width16, width32=width32, depth8=depth8, depth16=depth16, depth32=depth32
        )
        self.head = nn.Conv2d(64, width8, 3, padding=1)
        self.body = UNet((width8, width16, width32), (depth8, depth16, depth32))
        self.body.middle.insert(depth32 // 2, GlobalContext(width32))
        self.tail = nn.Conv2d(width8, 2 * 4, 3, padding=1)
        small_start(self.tail)

    def forward(self, luma: Tensor) -> Tensor:
        """Predict chroma.

        Args:
            luma: (N, 1, H, W) float32, Y / 255 − 1/2; sides are multiples of 32.

        Returns:
            (N, 2, H/4, W/4) float32, Cb and Cr as :func:`chroma` returns them.
        """
        h = channels_inside(F.pixel_unshuffle(luma, 8))
        kind = choose_precision(luma.device.type)
        with torch.autocast(luma.device.type, kind, enabled=kind != torch.float32):
            h = self.body(self.head(h))
        return F.pixel_shuffle(self.tail(h.float()), 2)

    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return Huber's loss (1964) between predicted and true chroma at 1/4 of the size."""
        luma, colour = chroma(pictures)
        guessed = self(luma)
        true = F.avg_pool2d(colour, CHROMA_STRIDE)
        error = F.smooth_l1_loss(guessed, true, beta=_BETA)
        square = (guessed - true).detach().square().mean()
        return {"loss": error, "psnr": -10 * torch.log10(square)}


class GlobalContext(nn.Module):
    """A layer that adds a map of the mean over all positions to its input."""

    def __init__(self, channels: int) -> None:
        """Start near the identity."""
        super().__init__()
        self.hidden = nn.Conv2d(channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        small_start(self.out, 1e-2)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to (N, C, H, W); the shape stays."""
        mean = x.mean((2, 3), keepdim=True)
        added: Tensor = self.out(F.relu(self.hidden(mean)))
        return x + added


def chroma(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Convert RGB / 255 − 1/2, (N, 3, H, W), to luma (N, 1, H, W) and chroma (N, 2, H, W) (BT.601).

    Luma, Cb and Cr are from −1/2 to 1/2.
    """
    red, green, blue = pictures.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return luma[:, None], torch.stack([(blue - luma) / 1.772, (red - luma) / 1.402], 1)


def to_rgb(luma: Tensor, colour: Tensor) -> Tensor:
    """Convert luma and chroma to RGB, not clipped; inverse of :func:`chroma`."""
    blue_difference, red_difference = colour[:, :1] * 1.772, colour[:, 1:] * 1.402
    green_difference = -(0.299 * red_difference + 0.114 * blue_difference) / 0.587
    return luma + torch.cat([red_difference, green_difference, blue_difference], 1)
