"""Style transfer in one pass through the codec's own transforms.

The encoder is the flagship's analysis and is frozen; the decoder starts as the flagship's synthesis. The decoder
receives the style as differences between channel statistics of the two pictures (adaptive instance normalisation, Huang
and Belongie, ICCV 2017). Without a difference, the model is the plain autoencoder. There are three paths:

- y and the encoder's features h at 1/8 take the style's means and standard deviations;
- the high frequencies of y come from patches of the style's latent, chosen by their low frequencies
  (:mod:`aez.codec.family.style.patches`);
- an embedding of the differences of all statistics scales, shifts and gates blocks in the decoder.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.family.base import FamilyModel
from aez.codec.family.style.loss import Level, colour_distance, content_distance, seam_distance, style_distance
from aez.codec.family.style.patches import laid_out
from aez.codec.family.style.statistics import Statistics, adain, moments
from aez.codec.model.config import NetworkConfig
from aez.codec.networks.blocks import DepthConvBlock, up
from aez.codec.networks.loading import training_model
from aez.codec.networks.transforms import Analysis, Synthesis
from aez.codec.runtime.torch.device import choose_precision

WEIGHTS = {"style": 4.0, "content": 0.4, "colour": 8.0, "seams": 1.0, "identity": 200.0}
"""Weights of the terms of the loss."""
IDENTITY_SHARE = 4
"""One of this many training pictures is also decoded in its own style."""
SCALES = 3
STRIDE = 16
KEPT = 10
"""Leading channels of y that stay mostly the content's at the start of training."""
_MEMORY = 0.99


class StyleBlock(nn.Module):
    """A modulated block, x·exp(a) + b + γ·(block(x) − x), which is the identity if the styles are equal.

    a, b and γ are (N, C) each and come from outside.
    """

    def __init__(self, channels: int) -> None:
        """Build a block with ``channels`` inputs and outputs."""
        super().__init__()
        self.block = DepthConvBlock(channels)
        for layer in (self.block.conv_out, self.block.project):
            nn.init.normal_(layer.weight, std=0.3 * channels**-0.5)

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """Apply the block to x, (N, C, H, W), with a modulation (N, 3·C); the shape of x stays."""
        scale, shift, gate = (part[..., None, None] for part in modulation.chunk(3, 1))
        # At inference, the block adds to its input in place.
        branch = self.block(x if torch.is_grad_enabled() else x.clone()) - x
        out: Tensor = x * torch.exp(scale.clamp(-2, 2)) + shift + gate * branch
        return out


class Style(FamilyModel):
    """Encoder, decoder and style blocks.

    Pictures are (N, 3, H, W), RGB / 255 − 1/2; sides are multiples of 16.
    """

    NAME: ClassVar[str] = "style"
    SUMMARY: ClassVar[str] = "style propagation in one pass (`aez stylize`)"
    DEPTHS: ClassVar[tuple[int, int, int]] = (1, 2, 2)
    EMBEDDING: ClassVar[int] = 96

    def __init__(self, **sizes: int) -> None:
        """Build the networks.

        Args:
            sizes: fields of :class:`NetworkConfig` except ``points``; ``style16``, ``style8`` and ``style4``, the
                number of style blocks at each resolution; ``embedding``. Without any, the sizes are those of the
                flagship and the class defaults.

        Raises:
            ModelError: a size is unknown or out of range.
        """
        if not sizes:
            # ``points`` belongs to models that compress.
            sizes = {key: value for key, value in asdict(_flagship_config()).items() if key != "points"}
            sizes |= {"embedding": self.EMBEDDING}
            sizes |= dict(zip(("style16", "style8", "style4"), self.DEPTHS, strict=True))
        super().__init__(**sizes)
        own = {key: sizes[key] for key in ("style16", "style8", "style4", "embedding")}
        config = NetworkConfig.from_dict({key: value for key, value in sizes.items() if key not in own} | {"points": 2})
        self.analysis, self.synthesis = Analysis(config), Synthesis(config)
        m, a = config.latent, config.analysis
        widths = (config.synthesis16, config.synthesis8, config.synthesis4)
        depths = (own["style16"], own["style8"], own["style4"])
        self.stacks = nn.ModuleList(
            nn.ModuleList(StyleBlock(width) for _ in range(depth)) for width, depth in zip(widths, depths, strict=True)
        )
        self.widths = [3 * width for width, depth in zip(widths, depths, strict=True) for _ in range(depth)]
        self.embed = nn.Linear(2 * (m + 2 * a), own["embedding"])
        self.modulate = nn.Linear(own["embedding"], sum(self.widths), bias=False)
        nn.init.normal_(self.modulate.weight, std=0.02)
        self.skip8 = nn.Conv2d(a, config.synthesis8, 1, bias=False)
        self.patch16 = nn.Conv2d(m, config.synthesis16, 1, bias=False)
        nn.init.normal_(self.skip8.weight, std=1e-3)
        nn.init.normal_(self.patch16.weight, std=1e-3)
        # The lowest frequencies stay the content's; the highest come from the patches.
        self.patch_share = nn.Parameter(1.5 * torch.log((torch.arange(m, device="cpu") + 1) / KEPT))
        self.register_buffer("gain", torch.ones(m))
        self.register_buffer("centre", torch.zeros(self.embed.in_features))
        self.register_buffer("spread", torch.ones(self.embed.in_features))
        self.register_buffer("point", torch.zeros(1))
        self.register_buffer("batches", torch.zeros(()))
        self.register_buffer("latent_power", torch.ones(m))
        self.register_buffer("feature_power", torch.ones(a))
        self.batches: Tensor
        self.latent_power: Tensor
        self.feature_power: Tensor
        self.centre: Tensor
        self.spread: Tensor
        self.gain: Tensor
        self.point: Tensor
        self.analysis.requires_grad_(False)

    def start(self) -> None:
        """Copy the flagship's transforms at its highest quality, which has the smallest loss."""
        from aez.codec.model.registry import PSNR_MODEL, find_model
        from aez.codec.model.weightfile import read_weights

        source = training_model(read_weights(find_model(PSNR_MODEL).path))
        for mine, theirs in ((self.analysis, source.analysis), (self.synthesis, source.synthesis)):
            state = theirs.state_dict()
            state["gain.rows"] = state["gain.rows"][-1:].repeat(2, 1)
            mine.load_state_dict(state)
        self.gain.copy_(torch.exp(source.decoder_gain.rows[-1]).detach())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode pictures as y (N, M, H/16, W/16), as the synthesis takes it, and h (N, A, H/8, W/8)."""
        analysis = self.analysis
        features, latent = analysis.both(x, self.point.expand(len(x)))
        return latent.float() * self.gain[:, None, None], features.float()

    def statistics(self, latent: Tensor, features: Tensor, half: Tensor) -> Statistics:
        """Return the statistics of whole pictures from y, h, and h of the pictures at half their size."""
        return Statistics(moments(latent), moments(features), moments(half))

    def modulation(self, own: Statistics, wanted: Statistics) -> list[Tensor]:
        """Return the modulation of each style block, (N, 3·C); zero if the two statistics are equal."""
        a, b = (
            nn.functional.silu(self.embed(((s.vector - self.centre) / self.spread).clamp(-5, 5))) for s in (wanted, own)
        )
        return list(self.modulate(a - b).split(self.widths, 1))

    def decode(
        self,
        latent: Tensor,
        features: Tensor,
        own: Statistics,
        wanted: Statistics,
        patches: Tensor | None,
        strength: float = 1.0,
    ) -> Tensor:
        """Decode a picture in a style.

        Args:
            latent: y of the content, (N, M, h, w).
            features: h of the content, (N, A, 2·h, 2·w).
            own: statistics of the whole content.
            wanted: statistics of the result, already interpolated by the strength.
            patches: latents of the style arranged like the content, in the shape of ``latent``; None for the content's
                own latents.
            strength: share of the patches, 0 … 1.

        Returns:
            (N, 3, 16·h, 16·w), not clipped.
        """
        synthesis = self.synthesis
        y = adain(latent, own.latent, wanted.latent)
        share = strength * torch.sigmoid(self.patch_share)[:, None, None]
        extra = torch.zeros_like(y) if patches is None else share * (patches - y)
        y = y + extra
        told = iter(self.modulation(own, wanted))
        gain = torch.exp(synthesis.gain(self.point.expand(len(y))))
        h = synthesis.blocks16(synthesis.head16(y) * gain) + self.patch16(extra)
        h = self._styled(0, h, told)
        h = synthesis.blocks8(up(synthesis.head8, h, 2))
        h = h + self.skip8(adain(features, own.features, wanted.features) - features)
        h = self._styled(1, h, told)
        h = synthesis.blocks4(up(synthesis.head4, h, 2))
        h = self._styled(2, h, told)
        return up(synthesis.tail, h, 4) + up(synthesis.linear, y, 16)

    def _styled(self, stack: int, h: Tensor, told: Iterator[Tensor]) -> Tensor:
        blocks = self.stacks[stack]
        assert isinstance(blocks, nn.ModuleList)  # as __init__ built it
        for block in blocks:
            h = block(h, next(told))
        return h

    @property
    def channel_spread(self) -> tuple[Tensor, Tensor]:
        """Typical standard deviations of the channels of y, (M,), and of h, (A,), over the training pictures."""
        return self.latent_power.sqrt(), self.feature_power.sqrt()

    def pyramid(self, x: Tensor, scales: int = SCALES) -> list[Level]:
        """Encode pictures as y and h at their size, at half of it, and so on."""
        levels = []
        for _ in range(scales):
            rows, cols = (max(STRIDE, side // STRIDE * STRIDE) for side in x.shape[2:])
            levels.append(self.encode(x[..., :rows, :cols]))
            x = F.avg_pool2d(x, 2)
        return levels

    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the losses of pictures in the style of the next one, and of some in their own style."""
        self.analysis.requires_grad_(False)
        order = torch.roll(torch.arange(len(pictures)), 1)
        with torch.no_grad(), _fast(pictures):
            seen = self.pyramid(pictures)
        (latent, features), half = seen[0], seen[1][1]
        own = self.statistics(latent, features, half)
        wanted = own.take(order)
        if self.training:
            self._remember(own)
        with torch.no_grad():
            restyled = adain(latent, own.latent, wanted.latent)
            patches = torch.stack([laid_out(y, style) for y, style in zip(restyled, latent[order], strict=True)])
        out = self.decode(latent, features, own, wanted, patches)
        few = torch.arange(max(1, len(pictures) // IDENTITY_SHARE))
        same = self.decode(latent[few], features[few], own.take(few), own.take(few), None)
        # The patches of the loss network are on a shifted grid, unlike the decoder's.
        top, left = torch.randint(0, STRIDE, (2,)).tolist()
        side = pictures.shape[-1] - STRIDE
        with _fast(pictures):
            styled = self.pyramid(out[..., top : top + side, left : left + side])
            small = self.encode(F.avg_pool2d(out, 2))
        parts = {
            "style": style_distance(styled, [(y[order], h[order]) for y, h in seen], self.channel_spread),
            "content": content_distance(small, seen[1]),
            "colour": colour_distance(out, pictures[order]),
            "seams": seam_distance(out, STRIDE),
            "identity": F.mse_loss(same, pictures[few]),
        }
        total = sum((WEIGHTS[name] * part for name, part in parts.items()), torch.zeros((), device=out.device))
        return {"loss": total} | {name: part.detach() for name, part in parts.items()}

    @torch.no_grad()
    def _remember(self, own: Statistics) -> None:
        """Update the running mean and spread of the statistics over training pictures, and channel variances."""
        vectors = own.vector
        self.batches.copy_((self.batches + 1).clamp(max=1 / (1 - _MEMORY)))
        share = torch.clamp(1 / self.batches, min=1 - _MEMORY)
        self.centre.lerp_(vectors.mean(0), share)
        self.spread.lerp_((vectors - self.centre).square().mean(0).sqrt().clamp_min(1e-2), share)
        self.latent_power.lerp_(own.latent.std.square().mean(0), share)
        self.feature_power.lerp_(own.features.std.square().mean(0), share)


def _fast(like: Tensor) -> AbstractContextManager[object]:
    """Return autocast to the device's fast type, for the loss network."""
    precision = choose_precision(like.device.type)
    return nullcontext() if precision == torch.float32 else torch.autocast(like.device.type, precision)


def _flagship_config() -> NetworkConfig:
    from aez.codec.model.registry import PSNR_MODEL, find_model
    from aez.codec.model.weightfile import read_weights

    return read_weights(find_model(PSNR_MODEL).path).config
