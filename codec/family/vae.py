"""A convolutional β-VAE of 64×64 blocks of photographs.

Its latents are compressed with its own prior, and pictures can be sampled from it.
"""

import math
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.family.base import Crops
from aez.codec.family.code_model import CodeModel
from aez.codec.networks import QualityTable
from aez.codec.networks.blank import is_blank
from aez.codec.networks.blocks import block_stack, down, small_start, up
from aez.codec.networks.dct import colour_dct
from aez.codec.networks.frequencies import gaussian_table

OBSERVATION_SIGMA = 0.06
"""σ of p(x|z), in units of the sample range."""
BLOCK_VARIANCE = 45.0
"""Approximate variance, summed over a block, of its samples' 16×16 means."""
BETA_LOW, BETA_HIGH = 0.03, 10.0
# Tables of N(0, 1) in steps of Δ: 1/Δ from 1/16 to 64.
_PRECISIONS = [2 ** (-4 + 10 * i / 39) for i in range(40)]
_MEASURED_BATCHES = 24


class VariationalAutoencoder(CodeModel):
    """A β-VAE with q(z|x) = N(μ(x), σ²(x)), p(z) = N(0, I), p(x|z) = N(g(z), 0.06²·I) (Kingma and Welling, ICLR 2014).

    It is trained on −E log p(x|z) + β·KL(q(z|x) ‖ p(z)) (Higgins et al., ICLR 2017), with a random β for each crop
    between 10 (first quality point) and 0.03 (last one). Gains tell encoder and decoder which β applies. A picture is
    cut into 64×64 blocks. A file holds the means in steps of Δ, a multiple of the channel's posterior σ, coded with the
    prior.
    """

    NAME = "vae"
    SUMMARY = "variational autoencoder of 64×64 photographs"
    STEP: ClassVar[float] = 2.0
    """Δ in units of the channel's mean posterior σ."""

    deltas: Tensor

    def __init__(self, channels: int = 144, width: int = 96, points: int = 8) -> None:
        """Build layers with ``channels`` of z and ``width`` at 1/8 of the block (half of it at 1/4, twice at 1/16)."""
        super().__init__(channels=channels, width=width, points=points)
        self.channels, self.points = channels, points
        self.head = nn.Conv2d(3 * 64, width, 1)
        self.blocks8 = block_stack(2, width)
        self.narrow = nn.Conv2d(4 * width, 2 * width, 1)
        self.blocks16 = block_stack(1, 2 * width)
        self.tail = nn.Conv2d(16 * 2 * width, 2 * channels, 1)
        self.encoder_gain = QualityTable(points, width)
        self.scale_bias = QualityTable(points, channels, -0.5, -3.0)
        self.wide = nn.Conv2d(channels, 16 * 2 * width, 1)
        self.decoder_gain = QualityTable(points, 2 * width)
        self.decode16 = block_stack(2, 2 * width)
        self.up8 = nn.Conv2d(2 * width, 4 * width, 1)
        self.decode8 = block_stack(2, width)
        self.up4 = nn.Conv2d(width, 2 * width, 1)
        self.decode4 = block_stack(1, width // 2)
        self.out = nn.Conv2d(width // 2, 3 * 16, 1)
        # A linear path for the means at a quarter of the size, starting as the leading rows of the 16×16 colour DCT.
        self.linear_in = nn.Conv2d(3 * 16**2, channels, 1, bias=False)
        self.linear_out = nn.Conv2d(channels, 3 * 16**2, 1)
        for layer in (self.tail, self.out):
            small_start(layer)
        if not is_blank(self.linear_in):
            self._start_linear()
        self.register_buffer("deltas", torch.ones(points, channels, device="cpu"))
        self.set_tables([gaussian_table(s, min(500, math.ceil(5 * s) + 2)) for s in _PRECISIONS])

    @torch.no_grad()
    def _start_linear(self) -> None:
        """Set the linear path to the colour DCT, its coefficients scaled to a variance of 1."""
        basis, variance = colour_dct(self.channels)
        spread = (variance * BLOCK_VARIANCE / variance.sum()).sqrt()
        self.linear_in.weight.copy_((basis / spread[:, None])[:, :, None, None])
        self.linear_out.weight.copy_((basis.T * spread)[:, :, None, None])
        nn.init.zeros_(self.linear_out.bias)  # type: ignore[arg-type]  # a Conv2d has one unless told otherwise

    def beta(self, position: Tensor) -> Tensor:
        """Return β at real-valued quality points of any shape."""
        return BETA_HIGH * torch.exp(position * (math.log(BETA_LOW / BETA_HIGH) / (self.points - 1)))

    def posterior(self, x: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """Return μ and log σ, each (N, C, h, w), of pictures (N, 3, 64·h, 64·w)."""
        h = self.blocks8(down(self.head, x, 8) * torch.exp(self.encoder_gain(position)))
        h = down(self.tail, self.blocks16(down(self.narrow, h, 2)), 4)
        mean, log_sigma = h.chunk(2, 1)
        mean = mean + down(self.linear_in, F.avg_pool2d(x, 4), 16)
        return mean, (log_sigma + self.scale_bias(position)).clamp(-8, 2)

    def render(self, z: Tensor, position: Tensor) -> Tensor:
        """Render g(z) of (N, C, h, w) as (N, 3, 64·h, 64·w), not clipped; blocks are independent."""
        n, _, rows, cols = z.shape
        blocks = z.permute(0, 2, 3, 1).reshape(-1, self.channels, 1, 1)
        gain = torch.exp(self.decoder_gain(position))[:, None].expand(n, rows * cols, -1, -1, -1)
        h = up(self.wide, blocks, 4) * gain.flatten(0, 1)
        h = self.decode8(up(self.up8, self.decode16(h), 2))
        smooth = F.interpolate(up(self.linear_out, blocks, 16), scale_factor=4, mode="bilinear", align_corners=False)
        x = up(self.out, self.decode4(up(self.up4, h, 2)), 4) + smooth
        return x.reshape(n, rows, cols, 3, 64, 64).permute(0, 3, 1, 4, 2, 5).reshape(n, 3, 64 * rows, 64 * cols)

    def encode_code(self, x: Tensor, position: Tensor) -> Tensor:
        """Encode pictures as rounded means in units of Δ; see :meth:`CodeModel.encode_code`."""
        n, rows, cols = x.shape[0], x.shape[2] // 64, x.shape[3] // 64
        blocks = x.reshape(n, 3, rows, 64, cols, 64).permute(0, 2, 4, 1, 3, 5).reshape(-1, 3, 64, 64)
        each = position[:, None].expand(n, rows * cols).flatten()
        mean = self.posterior(blocks, each)[0].reshape(n, rows, cols, -1).permute(0, 3, 1, 2)
        return (mean / self._steps(position)).round()

    def decode_code(self, code: Tensor, position: Tensor) -> Tensor:
        """Decode a code; see :meth:`CodeModel.decode_code`."""
        return self.render(code * self._steps(position), position)

    def _steps(self, position: Tensor) -> Tensor:
        """Return Δ of each channel, (1, C, 1, 1), at the nearest quality point, which also selects the table."""
        point = position.flatten()[0].add(0.5).floor().long().clamp(max=self.points - 1)
        return self.deltas[point][None, :, None, None]

    def terms(self, x: Tensor, position: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return −log p(x|z) for one z ~ q, KL(q ‖ p), both in nats per picture, (N,), and g(z).

        Args:
            x: (N, 3, 64, 64).
            position: (N,).
            noise: standard normal, (N, C, 1, 1); sampled if None.
        """
        mean, log_sigma = self.posterior(x, position)
        noise = torch.randn_like(mean) if noise is None else noise
        rendered = self.render(mean + noise * log_sigma.exp(), position)
        square = (rendered - x).square().sum((1, 2, 3))
        constant = x[0].numel() * math.log(OBSERVATION_SIGMA * math.sqrt(2 * math.pi))
        divergence = 0.5 * (mean.square() + (2 * log_sigma).exp() - 1 - 2 * log_sigma).sum((1, 2, 3))
        return square / (2 * OBSERVATION_SIGMA**2) + constant, divergence, rendered

    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the β-VAE objective per sample of the picture, divided by β^0.5 so that no β dominates.

        Crops of 128×128 are reduced to half the size, so that a block has content.
        """
        x = F.avg_pool2d(pictures, 2)
        position = torch.rand(len(x), device=x.device) * (self.points - 1)
        surprise, divergence, _ = self.terms(x, position)
        beta = self.beta(position)
        loss = ((surprise + beta * divergence) / beta**0.5).mean() / x[0].numel()
        return {"loss": loss, "surprise": surprise.detach().mean(), "kl": divergence.detach().mean()}

    def finish(self, crops: Crops) -> None:
        """Set Δ of every channel and its table: N(0, 1) in steps of Δ."""
        batches = [F.avg_pool2d(crops(), 2) for _ in range(_MEASURED_BATCHES)]
        precisions = np.log2(_PRECISIONS)
        for point in range(self.points):
            at = torch.tensor([float(point)])
            sigma = torch.cat([self.posterior(x, at.expand(len(x)))[1] for x in batches]).exp().mean((0, 2, 3))
            wanted = -torch.log2(self.STEP * sigma).numpy()
            index = np.abs(wanted[:, None] - precisions).argmin(1)
            self.index[point] = torch.from_numpy(index.astype(np.uint8))
            # Exactly the step of the table, rounded to float16, in which weights are stored.
            self.deltas[point] = torch.from_numpy(2.0 ** -precisions[index]).float().half().float()

    @torch.inference_mode()
    def sample(self, count: int, seed: int, beta: float = 1.0) -> Tensor:
        """Sample pictures g(z) with z ~ p(z).

        Args:
            count: number of pictures.
            seed: the same seed gives the same z on every machine.
            beta: β of the decoder that renders the pictures.

        Returns:
            (count, 3, 64, 64) float32, RGB / 255 − 1/2, clipped.
        """
        z = np.random.default_rng(seed).standard_normal((count, self.channels, 1, 1), dtype=np.float32)
        place = math.log(beta / BETA_HIGH) / math.log(BETA_LOW / BETA_HIGH) * (self.points - 1)
        device = self.deltas.device
        at = torch.full((count,), min(max(place, 0.0), self.points - 1), device=device)
        return self.render(torch.from_numpy(z).to(device), at).clamp(-0.5, 0.5)
