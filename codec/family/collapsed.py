"""The collapsed (contractive) autoencoder of 32×32 patches, and a plain autoencoder for comparison."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.family.base import Crops, FamilyModel
from aez.codec.networks.blank import is_blank
from aez.codec.networks.blocks import block_stack, down, small_start, up
from aez.codec.networks.dct import colour_dct

SIDE = 32
PATCH_VARIANCE = 150.0
"""Approximate variance, summed over a patch's samples, that the code carries."""


class PlainAutoencoder(FamilyModel):
    """An autoencoder of patches (N, 3, 32, 32) with a code of D numbers, trained on the squared error alone.

    Every number of the code is normalised to mean 0 and variance 1 over the training patches. A penalty on the
    encoder's slope can therefore not be lowered by shrinking the code.
    """

    NAME = "plain"
    SUMMARY = "plain autoencoder of 32×32 patches, to compare the collapsed one with"
    LOW_PRECISION = False
    CONTRACTION: ClassVar[float] = 0.0

    prior_mean: Tensor
    prior_covariance: Tensor
    noise: Tensor

    def __init__(self, code: int = 48, width: int = 96) -> None:
        """Build layers for ``code`` numbers, with ``width`` channels at 1/8 of the patch."""
        super().__init__(code=code, width=width)
        self.code = code
        self.head = nn.Conv2d(3 * 16, width, 1)
        self.blocks4 = block_stack(1, width)
        self.narrow = nn.Conv2d(4 * width, width, 1)
        self.blocks8 = block_stack(2, width)
        self.tail = nn.Linear(16 * width, code)
        # A linear path beside the networks, initialised with the leading rows of the 32×32 colour DCT.
        self.linear_in = nn.Linear(3 * SIDE**2, code, bias=False)
        self.linear_out = nn.Linear(code, 3 * SIDE**2)
        self.scale = nn.BatchNorm1d(code, affine=False, momentum=0.02)
        self.wide = nn.Linear(code, 16 * width)
        self.decode8 = block_stack(2, width)
        self.up4 = nn.Conv2d(width, 4 * width, 1)
        self.decode4 = block_stack(1, width)
        self.out = nn.Conv2d(width, 3 * 16, 1)
        for layer in (self.tail, self.out):
            small_start(layer)
        if not is_blank(self.linear_in):
            self._start_linear()
        self.register_buffer("prior_mean", torch.zeros(code))
        self.register_buffer("prior_covariance", torch.eye(code, device="cpu"))
        self.register_buffer("noise", torch.tensor(0.1))

    @torch.no_grad()
    def _start_linear(self) -> None:
        """Set the linear path to the colour DCT, its coefficients scaled to a variance of 1."""
        basis, variance = colour_dct(self.linear_in.out_features, SIDE)
        spread = (variance * PATCH_VARIANCE / variance.sum()).sqrt()
        self.linear_in.weight.copy_(basis / spread[:, None])
        self.linear_out.weight.copy_(basis.T * spread)
        nn.init.zeros_(self.linear_out.bias)

    def encode(self, x: Tensor) -> Tensor:
        """Encode patches (N, 3, 32, 32), RGB / 255 − 1/2, as h(x), (N, D)."""
        h = self.blocks8(down(self.narrow, self.blocks4(down(self.head, x, 4)), 2))
        flat = F.pixel_unshuffle(x, SIDE).flatten(1)
        out: Tensor = self.scale(self.tail(h.flatten(1)) + self.linear_in(flat))
        return out

    def decode(self, code: Tensor) -> Tensor:
        """Decode codes (N, D) to patches g(h), (N, 3, 32, 32), not clipped."""
        h = self.wide(code).reshape(len(code), -1, 4, 4)
        linear = F.pixel_shuffle(self.linear_out(code)[:, :, None, None], SIDE)
        return up(self.out, self.decode4(up(self.up4, self.decode8(h), 2)), 4) + linear

    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the mean squared error over patches plus the weighted contraction penalty ‖∂h/∂x‖²_F.

        The penalty is estimated by Hutchinson's method, which takes one backward pass through the encoder: E
        ‖vᵀ·∂h/∂x‖² = ‖∂h/∂x‖²_F for v of independent standard normal numbers.
        """
        x = patches_of(pictures).requires_grad_(self.CONTRACTION > 0)
        h = self.encode(x)
        square = (self.decode(h) - x.detach()).square().mean()
        if not self.CONTRACTION:
            return {"loss": square}
        (slope,) = torch.autograd.grad((h * torch.randn_like(h)).sum(), x, create_graph=True)
        contraction = slope.square().sum((1, 2, 3)).mean()
        return {"loss": square + self.CONTRACTION * contraction, "mse": square.detach(), "slope": contraction.detach()}

    def finish(self, crops: Crops) -> None:
        """Fit the prior N(m, S) of the codes, and the variance of the reconstruction error."""
        batches = [patches_of(crops()) for _ in range(48)]
        codes = torch.cat([self.encode(x) for x in batches])
        errors = torch.cat([(self.decode(self.encode(x)) - x).flatten(1) for x in batches])
        self.prior_mean.copy_(codes.mean(0))
        self.prior_covariance.copy_(torch.cov(codes.T))
        self.noise.copy_(errors.square().mean().sqrt())


def patches_of(pictures: Tensor) -> Tensor:
    """Cut pictures (N, 3, 32·h, 32·w) into patches, (N·h·w, 3, 32, 32)."""
    n, channels, height, width = pictures.shape
    rows = pictures.reshape(n, channels, height // SIDE, SIDE, width // SIDE, SIDE)
    return rows.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, SIDE, SIDE).contiguous()


class CollapsedAutoencoder(PlainAutoencoder):
    """A contractive autoencoder: its code ignores directions in which training patches do not vary.

    J = E[‖x − g(h(x))‖² / samples + λ·‖∂h/∂x‖²_F] (Rifai et al., ICML 2011).
    """

    NAME = "collapsed"
    SUMMARY = "collapsed (contractive) autoencoder of 32×32 patches"
    CONTRACTION = 3e-5


def jacobian(model: PlainAutoencoder, x: Tensor) -> Tensor:
    """Return the exact ∂h/∂x of every patch, (N, D, samples)."""
    single = torch.func.jacrev(lambda patch: model.encode(patch[None])[0])
    return torch.stack([single(patch).flatten(1) for patch in x])
