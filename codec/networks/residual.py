"""Dense residual blocks and a U-Net for networks at high resolution.

Per multiply–accumulate, a CPU with bfloat16 matrix units computes dense 3×3 convolutions several times faster than the
depthwise ones of :mod:`aez.codec.networks.blocks`. At half of the picture's resolution this outweighs their larger
number of operations.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.networks.blocks import small_start


class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x))), 3×3 both (He et al., CVPR 2016, without normalisation as Lim et al., CVPRW 2017).

    Input and output are (N, C, H, W); 18·C² multiply–accumulates per position; the receptive field is 5×5.
    """

    def __init__(self, channels: int) -> None:
        """Make a block of ``channels`` channels whose branch is close to zero."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        small_start(self.conv2, 1e-2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        out: Tensor = self.conv2(F.relu(self.conv1(x), inplace=True))
        return out + x


class Down(nn.Conv2d):
    """Downsampling (N, C, H, W) to (N, D, H/2, W/2), each output from a square of four positions."""

    def __init__(self, channels: int, wider: int) -> None:
        """Map ``channels`` channels to ``wider``."""
        super().__init__(channels, wider, 2, stride=2)


class Up(nn.Module):
    """Upsampling (N, D, H, W) to (N, C, 2·H, 2·W), each position to a square of four."""

    def __init__(self, wider: int, channels: int) -> None:
        """Map ``wider`` channels to ``channels``."""
        super().__init__()
        self.conv = nn.Conv2d(wider, 4 * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, D, H, W) to (N, C, 2·H, 2·W)."""
        return F.pixel_shuffle(self.conv(x), 2)


def residual_stack(depth: int, channels: int) -> nn.Sequential:
    """Make ``depth`` blocks in sequence."""
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(depth)))


class UNet(nn.Module):
    """Three levels of residual blocks with additive skip connections (Ronneberger et al., 2015).

    Sides of the input must be multiples of 4.
    """

    def __init__(self, widths: tuple[int, int, int], depths: tuple[int, int, int]) -> None:
        """Build the levels.

        Args:
            widths: channels of the levels, from fine to coarse.
            depths: blocks of the levels; the first two count once on the way down and once on the way up.
        """
        super().__init__()
        first, second, third = widths
        self.down1 = residual_stack(depths[0], first)
        self.to2 = Down(first, second)
        self.down2 = residual_stack(depths[1], second)
        self.to3 = Down(second, third)
        self.middle = residual_stack(depths[2], third)
        self.from3 = Up(third, second)
        self.up2 = residual_stack(depths[1], second)
        self.from2 = Up(second, first)
        self.up1 = residual_stack(depths[0], first)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        fine: Tensor = self.down1(x)
        coarse: Tensor = self.down2(self.to2(fine))
        coarse = self.up2(self.from3(self.middle(self.to3(coarse))) + coarse)
        out: Tensor = self.up1(self.from2(coarse) + fine)
        return out

    @staticmethod
    def reach(depths: tuple[int, int, int]) -> int:
        """Return the reach of the receptive field to each side, in positions of the input."""
        levels = (2 * 2 * depths[0], 2 * 2 * depths[1], 2 * depths[2])
        return sum((blocks + 1) * 2**level for level, blocks in enumerate(levels))


def channels_inside(x: Tensor) -> Tensor:
    """Return the tensor with channels last in memory, the fastest layout for convolutions."""
    return x.contiguous(memory_format=torch.channels_last)
