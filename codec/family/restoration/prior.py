"""The codec's entropy model as a prior of photographs: of all pictures that fit what is known, the cheapest to code.

This is maximum a posteriori estimation with a learned compressor's rate in the place of −log₂ p. Bora et al.,
"Compressed sensing using generative models" (ICML 2017), search the latent of a generative network for a picture that
fits what is known; here it is the latent of a codec, and its rate is part of what is minimised.
"""

import functools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.codec.geometry.grid import CELL
from aez.codec.model.filter_weights import FilterWeights
from aez.codec.model.registry import DEFAULT_MODEL, find_model
from aez.codec.model.scales import LOG_HYPER_MAX, LOG_HYPER_MIN, LOG_SCALE_MAX, LOG_SCALE_MIN
from aez.codec.model.weightfile import Weights, read_weights
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.gaussian import unit_bits
from aez.codec.networks.quality import lambda_of
from aez.codec.runtime.torch.filter_gradient import filtered_pictures, neighbourhoods

STRIDE = 16 * CELL
"""Sides of the pictures that a prior takes are multiples of this."""
_WARM_UP = 0.1
"""Share of the steps in which the learning rate rises; over the rest it falls to zero along a cosine."""
_SHORTEST = 0.5
"""Unit of the steps of elements whose scale is smaller."""
Misfit = Callable[[Tensor], Tensor]
"""x̂ (1, 3, H, W) to the sum of squared errors of samples in [0, 1] where something is known."""


class LatentPrior:
    """A codec's float networks at one quality, for latents that are not rounded."""

    def __init__(self, weights: Weights, quality: float, device: str = "cpu") -> None:
        """Load a model in its training form, and its own picture filter if it has one.

        Args:
            weights: a validated model.
            quality: 1 … 100: how fine the latents' unit is, and what an error weighs against a bit.
            device: where the networks run.
        """
        self.model: HyperpriorModel = weights.to_training_model().to(device).eval().requires_grad_(False)
        self.position = torch.full((1,), weights.quality_scale.point_of(quality), device=device)
        self.weight = float(lambda_of(self.position, weights.config.points))
        self.filter: Tensor | None = None
        if weights.has_filter:
            position = weights.quality_scale.position_of(quality)
            self.filter = torch.from_numpy(FilterWeights(weights, position, 3).parse(b""))[None].to(device)

    def latents(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """RGB / 255 − 1/2 (1, 3, H, W), sides multiples of 64, to y (1, M, H/16, W/16) and z (1, Z, H/64, W/64)."""
        with torch.no_grad():
            y = self.model.analyse(x, self.position)
            return y, self.model.hyper_analysis(y)

    def picture(self, y: Tensor) -> Tensor:
        """y to x̂ (1, 3, H, W), RGB / 255 − 1/2, behind the picture filter, not clipped."""
        x = self.model.synthesise(y, self.position)
        return x if self.filter is None else filtered_pictures(x, self.filter, neighbourhoods(x))

    def bits(self, y: Tensor, z: Tensor) -> Tensor:
        """−log₂ of the probability that the entropy model gives the unit interval around every latent; a scalar."""
        model = self.model
        hyper = torch.exp(model.hyper_scale(self.position).clamp(LOG_HYPER_MIN, LOG_HYPER_MAX))
        mean = model.context.two_steps(z, lambda _: y)
        return unit_bits(z, hyper).sum() + unit_bits(y - mean, self._scale(z)).sum()

    def _scale(self, z: Tensor) -> Tensor:
        """σ of y, (1, M, H/16, W/16)."""
        scale: Tensor = torch.exp(self.model.log_scale(z, self.position).clamp(LOG_SCALE_MIN, LOG_SCALE_MAX))
        return scale

    def fit(self, start: Tensor, misfit: Misfit, *, steps: int, rate: float, strength: float = 1.0) -> Tensor:
        """The picture that minimises strength · R(y, z) + λ·255² / 3 · ‖what is known − x̂‖² from a first guess.

        A sum over pixels of the codec's own objective, R + λ·255²·MSE, by Adam (Kingma & Ba, ICLR 2015) on y and z.

        Args:
            start: the guess, (1, 3, H, W), RGB / 255 − 1/2, sides multiples of 64.
            misfit: what x̂ is compared with.
            steps: of the descent.
            rate: learning rate at its highest, as a share of the latents' scales.
            strength: of the prior.

        Returns:
            x̂, (1, 3, H, W), not clipped.
        """
        first, z = self.latents(start)
        with torch.no_grad():
            # A step as long as what the entropy model expects of an element: in raw units a step is too long for the
            # many that are near zero, or too short for the few that must move by hundreds.
            unit = self._scale(z).clamp_min(_SHORTEST)
        moved, z = torch.zeros_like(first).requires_grad_(True), z.clone().requires_grad_(True)
        optimiser = torch.optim.Adam([moved, z], rate, betas=(0.9, 0.95))
        rise = max(1.0, _WARM_UP * steps)
        for step in range(steps):
            share = min((step + 1) / rise, 0.5 + 0.5 * math.cos(math.pi * max(0.0, step - rise) / (steps - rise + 1)))
            optimiser.param_groups[0]["lr"] = rate * share
            with torch.enable_grad():
                y = first + unit * moved
                cost = strength * self.bits(y, z) + self.weight / 3 * misfit(self.picture(y))
            moved.grad, z.grad = torch.autograd.grad(cost, (moved, z))
            optimiser.step()
        with torch.no_grad():
            found: Tensor = self.picture(first + unit * moved)
        return found


@functools.lru_cache(maxsize=2)
def load_prior(quality: float, model: str = DEFAULT_MODEL, device: str = "cpu") -> LatentPrior:
    """The prior of a model, the same one for the same arguments.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    return LatentPrior(read_weights(find_model(model).path), quality, device)


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Bicubic (a = −1/2), antialiased where it makes smaller, as Pillow does it; (N, C, H, W)."""
    return F.interpolate(x, size=(height, width), mode="bicubic", antialias=True)
