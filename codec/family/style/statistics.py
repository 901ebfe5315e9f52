"""Channel statistics of a picture's features, and adaptive instance normalisation (Huang and Belongie, ICCV 2017)."""

from dataclasses import dataclass

import torch
from torch import Tensor

MAX_GAIN = 4.0
"""A channel's standard deviation grows or shrinks by so much at most: beyond it only noise would be enlarged."""
EPSILON = 1e-4


@dataclass(frozen=True)
class Moments:
    """Means and standard deviations of channels over a picture, (N, C) each."""

    mean: Tensor
    std: Tensor

    def towards(self, other: "Moments", strength: float) -> "Moments":
        """Between these and others."""
        return Moments(torch.lerp(self.mean, other.mean, strength), torch.lerp(self.std, other.std, strength))

    def take(self, order: Tensor) -> "Moments":
        """Those of some of the pictures."""
        return Moments(self.mean[order], self.std[order])

    @property
    def vector(self) -> Tensor:
        """(N, 2·C): means and log standard deviations."""
        return torch.cat([self.mean, (self.std + EPSILON).log()], 1)


@dataclass(frozen=True)
class Statistics:
    """What is known of a style: moments of y at 1/16, of h at 1/8, and of h of the picture at half its size."""

    latent: Moments
    features: Moments
    half: Moments

    def towards(self, other: "Statistics", strength: float) -> "Statistics":
        """Between these (0) and others (1)."""
        return Statistics(
            self.latent.towards(other.latent, strength),
            self.features.towards(other.features, strength),
            self.half.towards(other.half, strength),
        )

    def take(self, order: Tensor) -> "Statistics":
        """Those of some of the pictures."""
        return Statistics(self.latent.take(order), self.features.take(order), self.half.take(order))

    @property
    def vector(self) -> Tensor:
        """(N, D): all of them."""
        return torch.cat([self.latent.vector, self.features.vector, self.half.vector], 1)


def moments(x: Tensor) -> Moments:
    """(N, C, H, W) to its moments."""
    flat = x.flatten(2)
    mean = flat.mean(2)
    return Moments(mean, ((flat - mean[..., None]).square().mean(2) + EPSILON**2).sqrt())


def adain(x: Tensor, own: Moments, wanted: Moments) -> Tensor:
    """x with other moments: σ' · (x − μ) / σ + μ', the gain σ' / σ within ``MAX_GAIN``."""
    gain = ((wanted.std + EPSILON) / (own.std + EPSILON)).clamp(1 / MAX_GAIN, MAX_GAIN)
    return (x - own.mean[..., None, None]) * gain[..., None, None] + wanted.mean[..., None, None]


def moments_of_sums(sums: Tensor) -> Moments:
    """Moments from counts, sums and sums of squares of channels, (3, C) float64, as float32 of one picture."""
    count, total, squares = sums
    mean = total / count
    variance = (squares / count - mean.square()).clamp_min(0)
    return Moments(mean.float()[None], (variance + EPSILON**2).sqrt().float()[None])
