"""The denoising autoencoder: a noisy picture to its clean one, at any known level of noise.

A U-Net on the picture's half-size phases with the noise level as a plane beside them (Zhang et al., FFDNet, IEEE TIP
2018; Zhang et al., DRUNet, PAMI 2022). It estimates the noise, x̂ = x − f(x, σ), so it starts as the identity.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.family.base import FamilyModel
from aez.codec.networks.blocks import small_start
from aez.codec.networks.residual import UNet, channels_inside
from aez.codec.runtime.torch.device import choose_precision

SIGMA_MAX = 60.0
"""Standard deviation of the strongest noise trained on, in levels of 0 … 255."""
STRIDE = 8
"""Sides of what the network takes are multiples of this."""
GREY_SHARE, EXACT_SHARE = 0.12, 0.2
"""Shares of training crops that are grey, and whose noisy samples are neither rounded nor clipped."""
_FLOOR = 2e-6
"""Added to the mean squared error (of samples in [0, 1]) before its logarithm: that of rounding, about."""


class Denoiser(FamilyModel):
    """Noisy pictures and their σ to clean ones."""

    NAME: ClassVar[str] = "denoiser"
    SUMMARY: ClassVar[str] = "removes Gaussian noise of σ up to 60, for `aez denoise` and `aez compress --denoise`"
    CROP: ClassVar[int] = 128
    BATCH: ClassVar[int] = 8
    LEARNING_RATE: ClassVar[float] = 1e-3

    def __init__(
        self,
        width2: int = 48,
        width4: int = 96,
        width8: int = 160,
        depth2: int = 2,
        depth4: int = 3,
        depth8: int = 3,
    ) -> None:
        """Widths at 1/2, 1/4 and 1/8 of the picture, and blocks there (at 1/2 and 1/4 both on the way down and up)."""
        super().__init__(width2=width2, width4=width4, width8=width8, depth2=depth2, depth4=depth4, depth8=depth8)
        depths = depth2, depth4, depth8
        self.head = nn.Conv2d(3 * 4 + 1, width2, 3, padding=1)
        self.body = UNet((width2, width4, width8), depths)
        self.tail = nn.Conv2d(width2, 3 * 4, 3, padding=1)
        small_start(self.tail)
        # Head, tail and phases of two pixels around the body; rounded up to whole strides.
        self.halo = -(-2 * (UNet.reach(depths) + 3) // STRIDE) * STRIDE

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Remove noise.

        Args:
            x: (N, 3, H, W) float32, RGB / 255 − 1/2, sides multiples of 8.
            sigma: (N,) float32, standard deviation of the noise in levels of 0 … 255.

        Returns:
            (N, 3, H, W) float32, not clipped.
        """
        phases = F.pixel_unshuffle(x, 2)
        level = (sigma / 255).view(-1, 1, 1, 1).expand(-1, 1, *phases.shape[2:])
        kind = choose_precision(x.device.type)
        with torch.autocast(x.device.type, kind, enabled=kind != torch.float32):
            h = self.body(self.head(channels_inside(torch.cat([phases, level], 1))))
        # The last layer in float32: in bfloat16 the noise would come in steps of 1/256 of itself.
        return x - F.pixel_shuffle(self.tail(h.float()), 2)

    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Mean over crops of ln(MSE), which is PSNR but for a factor, at levels drawn from 0 to 60, middle ones more.

        Most noisy crops are rounded and clipped to 0 … 255, as a file has them.
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
    """BT.601 luma of (N, 3, H, W), (N, 1, H, W)."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=pictures.device, dtype=pictures.dtype)
    return (pictures * weights.view(1, 3, 1, 1)).sum(1, keepdim=True)
