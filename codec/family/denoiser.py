"""The denoiser, a network that removes Gaussian noise of any known level.

A U-Net takes the picture's half-size phases and a plane with the noise level (Zhang et al., FFDNet, IEEE TIP 2018;
Zhang et al., DRUNet, PAMI 2022). It predicts the noise, x̂ = x − f(x, σ), so it starts as the identity.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.family.base import FamilyModel
from aez.codec.family.ranges import SIGMA_MAX
from aez.codec.networks.blocks import small_start
from aez.codec.networks.residual import UNet, channels_inside
from aez.codec.runtime.torch.device import choose_precision

STRIDE = 8
"""The network takes pictures whose sides are multiples of this."""
GREY_SHARE, EXACT_SHARE = 0.12, 0.2
"""Share of grey training crops, and share of crops whose noisy samples are neither rounded nor clipped."""
_FLOOR = 2e-6
"""Added to the mean squared error (of samples in [0, 1]) before its logarithm; about the error of rounding."""


class Denoiser(FamilyModel):
    """A network from noisy pictures and their σ to clean pictures."""

    NAME: ClassVar[str] = "denoiser"
    SUMMARY: ClassVar[str] = "removes Gaussian noise of σ up to 60, for `aez denoise` and `aez compress --denoise`"

    def __init__(
        self,
        width2: int = 48,
        width4: int = 96,
        width8: int = 160,
        depth2: int = 2,
        depth4: int = 3,
        depth8: int = 3,
    ) -> None:
        """Build layers with these widths and numbers of blocks at 1/2, 1/4 and 1/8 of the picture.

        At 1/2 and 1/4, that many blocks are on the way down and again on the way up.
        """
        super().__init__(width2=width2, width4=width4, width8=width8, depth2=depth2, depth4=depth4, depth8=depth8)
        depths = depth2, depth4, depth8
        self.head = nn.Conv2d(3 * 4 + 1, width2, 3, padding=1)
        self.body = UNet((width2, width4, width8), depths)
        self.tail = nn.Conv2d(width2, 3 * 4, 3, padding=1)
        small_start(self.tail)
        # Head and tail reach one more position each and the phases are two pixels wide; the sum is rounded up to whole
        # strides.
        self.halo = -(-2 * (UNet.reach(depths) + 3) // STRIDE) * STRIDE

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Remove noise.

        Args:
            x: (N, 3, H, W) float32, RGB / 255 − 1/2; sides are multiples of 8.
            sigma: (N,) float32, standard deviation of the noise in levels of 0 … 255.

        Returns:
            (N, 3, H, W) float32, not clipped.
        """
        phases = F.pixel_unshuffle(x, 2)
        level = (sigma / 255).view(-1, 1, 1, 1).expand(-1, 1, *phases.shape[2:])
        kind = choose_precision(x.device.type)
        with torch.autocast(x.device.type, kind, enabled=kind != torch.float32):
            h = self.body(self.head(channels_inside(torch.cat([phases, level], 1))))
        # The last layer runs in float32: bfloat16 would quantise the noise estimate in steps of 1/256 of its size.
        return x - F.pixel_shuffle(self.tail(h.float()), 2)

    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the mean over crops of ln(MSE), which is PSNR up to a factor, at random noise levels.

        The levels are between 0 and 60; middle ones are more frequent. Most noisy crops are rounded and clipped to 0 …
        255, as files are.
        """
        count, device = len(pictures), pictures.device
        drawn = torch.rand(3, count, device=device)
        sigma = SIGMA_MAX * torch.where(drawn[0] < 0.5, drawn[1], (drawn[1] + drawn[2]) / 2)
        noise = torch.randn_like(pictures) * (sigma / 255).view(-1, 1, 1, 1)
        kinds = torch.rand(2, count, 1, 1, 1, device=device)
        grey = kinds[0] < GREY_SHARE
        clean = torch.where(grey, luma(pictures), pictures)
        noisy = clean + torch.where(grey, noise[:, :1], noise)
        stored = ((noisy.clamp(-0.5, 0.5) + 0.5) * 255).round() / 255 - 0.5
        noisy = torch.where(kinds[1] < EXACT_SHARE, noisy, stored)
        error = (self(noisy, sigma) - clean).square().mean((1, 2, 3))
        return {"loss": 0.1 * torch.log(error + _FLOOR).mean(), "psnr": -10 * torch.log10(error.detach()).mean()}


def luma(pictures: Tensor) -> Tensor:
    """Return BT.601 luma (N, 1, H, W) of pictures (N, 3, H, W)."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=pictures.device, dtype=pictures.dtype)
    return (pictures * weights.view(1, 3, 1, 1)).sum(1, keepdim=True)
