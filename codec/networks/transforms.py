"""Analysis and synthesis transforms: a linear 16×16 shortcut beside a network at 1/8 and below.

Pictures are (N, 3, H, W), RGB / 255 − 1/2, H and W multiples of 16; latents are (N, M, H/16, W/16). Only the residual
networks may run in bfloat16. Shortcuts, first and last layers and gains stay float32, because latents of the highest
quality reach several hundred, where bfloat16 has steps of 4.
"""

import torch
from torch import Tensor, nn

from aez.bitstream.header import LATENT_STRIDE
from aez.codec.model.config import NetworkConfig
from aez.codec.networks.blank import is_blank
from aez.codec.networks.blocks import block_stack, down, small_start, up
from aez.codec.networks.dct import colour_dct
from aez.codec.networks.quality import QualityTable

# Latents start with a standard deviation of a few units, so that rounding to integers keeps information at once.
LATENT_SCALE = 8.0


class Analysis(nn.Module):
    """Analysis transform: x to y before the latent gain."""

    def __init__(self, config: NetworkConfig) -> None:
        """Start as the colour DCT."""
        super().__init__()
        self.linear = nn.Conv2d(3 * LATENT_STRIDE**2, config.latent, 1)
        self.head = nn.Conv2d(3 * 8 * 8, config.analysis, 1)
        self.blocks = block_stack(config.analysis_depth, config.analysis)
        self.tail = nn.Conv2d(4 * config.analysis, config.latent, 1)
        self.gain = QualityTable(config.points, config.analysis)
        small_start(self.tail)
        if not is_blank(self.linear):
            _start_linear(self.linear, colour_dct(config.latent)[0] * LATENT_SCALE)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        """Map (N, 3, H, W) float32 at quality points (N,) to (N, M, H/16, W/16) float32."""
        return self.both(x, position)[1]

    def both(self, x: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """Return the input of the network's last layer, (N, C, H/8, W/8), and y as :meth:`forward` returns it."""
        h: Tensor = self.blocks(down(self.head, x, 8) * torch.exp(self.gain(position)))
        return h, down(self.tail, h, 2) + down(self.linear, x, LATENT_STRIDE)


class Synthesis(nn.Module):
    """Synthesis transform: ŷ, divided by the latent gain, to x̂."""

    def __init__(self, config: NetworkConfig) -> None:
        """Start as the transpose of the colour DCT."""
        super().__init__()
        self.linear = nn.Conv2d(config.latent, 3 * LATENT_STRIDE**2, 1)
        self.head16 = nn.Conv2d(config.latent, config.synthesis16, 1)
        self.blocks16 = block_stack(config.synthesis16_depth, config.synthesis16)
        self.head8 = nn.Conv2d(config.synthesis16, 4 * config.synthesis8, 1)
        self.blocks8 = block_stack(config.synthesis8_depth, config.synthesis8)
        self.head4 = nn.Conv2d(config.synthesis8, 4 * config.synthesis4, 1)
        self.blocks4 = block_stack(config.synthesis4_depth, config.synthesis4)
        self.tail = nn.Conv2d(config.synthesis4, 3 * 4 * 4, 1)
        self.gain = QualityTable(config.points, config.synthesis16)
        small_start(self.tail)
        if not is_blank(self.linear):
            _start_linear(self.linear, colour_dct(config.latent)[0].t() / LATENT_SCALE)

    def forward(self, y: Tensor, position: Tensor) -> Tensor:
        """Map (N, M, h, w) float32 at quality points (N,) to (N, 3, 16·h, 16·w) float32, not clipped."""
        return up(self.tail, self.hidden(y, position), 4) + up(self.linear, y, LATENT_STRIDE)

    def hidden(self, y: Tensor, position: Tensor) -> Tensor:
        """Return the input of the network's last layer, (N, C, 4·h, 4·w)."""
        h = self.blocks16(self.head16(y) * torch.exp(self.gain(position)))
        h = self.blocks8(up(self.head8, h, 2))
        out: Tensor = self.blocks4(up(self.head4, h, 2))
        return out


@torch.no_grad()
def _start_linear(layer: nn.Conv2d, matrix: Tensor) -> None:
    """Set a 1×1 convolution to a matrix (outputs, inputs), without bias."""
    layer.weight.copy_(matrix[:, :, None, None])
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # Conv2d has a bias unless told otherwise
