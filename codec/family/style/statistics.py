"""Channel statistics of features, and adaptive instance normalisation (Huang and Belongie, ICCV 2017)."""

from dataclasses import dataclass

import torch
from torch import Tensor

MAX_GAIN = 4.0
"""Largest gain of a channel's standard deviation; larger ones would only amplify noise."""
EPSILON = 1e-4


@dataclass(frozen=True)
class ChannelMoments:
    """Means and standard deviations of channels over a picture, (N, C) each."""

    mean: Tensor
    std: Tensor

    def towards(self, other: "ChannelMoments", strength: float) -> "ChannelMoments":
        """Interpolate between these moments (strength 0) and others (strength 1)."""
        return ChannelMoments(torch.lerp(self.mean, other.mean, strength), torch.lerp(self.std, other.std, strength))

    def take(self, order: Tensor) -> "ChannelMoments":
        """Return the moments of some of the pictures."""
        return ChannelMoments(self.mean[order], self.std[order])

    @property
    def vector(self) -> Tensor:
        """Means and log standard deviations, (N, 2·C)."""
        return torch.cat([self.mean, (self.std + EPSILON).log()], 1)


@dataclass(frozen=True)
class Statistics:
    """Statistics of a style: moments of y at 1/16, of h at 1/8, and of h of the picture at half its size."""

    latent: ChannelMoments
    features: ChannelMoments
    half: ChannelMoments

    def towards(self, other: "Statistics", strength: float) -> "Statistics":
        """Interpolate between these statistics (strength 0) and others (strength 1)."""
        return Statistics(
            self.latent.towards(other.latent, strength),
            self.features.towards(other.features, strength),
            self.half.towards(other.half, strength),
        )

    def take(self, order: Tensor) -> "Statistics":
        """Return the statistics of some of the pictures."""
        return Statistics(self.latent.take(order), self.features.take(order), self.half.take(order))

    @property
    def vector(self) -> Tensor:
        """All statistics, (N, D)."""
        return torch.cat([self.latent.vector, self.features.vector, self.half.vector], 1)


def moments(x: Tensor) -> ChannelMoments:
    """Return the moments of (N, C, H, W)."""
    flat = x.flatten(2)
    mean = flat.mean(2)
    return ChannelMoments(mean, ((flat - mean[..., None]).square().mean(2) + EPSILON**2).sqrt())


def adain(x: Tensor, own: ChannelMoments, wanted: ChannelMoments) -> Tensor:
    """Give x other moments: σ' · (x − μ) / σ + μ', with the gain σ' / σ bounded by ``MAX_GAIN``."""
    gain = ((wanted.std + EPSILON) / (own.std + EPSILON)).clamp(1 / MAX_GAIN, MAX_GAIN)
    return (x - own.mean[..., None, None]) * gain[..., None, None] + wanted.mean[..., None, None]


def moments_of_sums(sums: Tensor) -> ChannelMoments:
    """Return the moments of one picture in float32.

    ``sums`` are counts, sums and sums of squares of channels, (3, C) float64.
    """
    count, total, squares = sums
    mean = total / count
    variance = (squares / count - mean.square()).clamp_min(0)
    return ChannelMoments(mean.float()[None], (variance + EPSILON**2).sqrt().float()[None])
