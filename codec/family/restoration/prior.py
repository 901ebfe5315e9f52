"""Use the codec's entropy model as a prior of photographs for inverse problems.

Of all pictures that agree with the known data, the prior prefers the one with the lowest rate. This is maximum a
posteriori estimation with the rate of a learned codec in place of −log₂ p. Bora et al., "Compressed sensing using
generative models" (ICML 2017), search the latent of a generative network for a picture that agrees with the data. Here,
the latent is that of a codec, and its rate is part of the objective.
"""

import functools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.bitstream.header import HYPER_STRIDE
from aez.codec.model.filter_weights import FilterWeights
from aez.codec.model.registry import PSNR_MODEL, find_model
from aez.codec.model.scales import LOG_HYPER_MAX, LOG_HYPER_MIN, LOG_SCALE_MAX, LOG_SCALE_MIN
from aez.codec.model.weightfile import Weights, read_weights
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.gaussian import unit_bits
from aez.codec.networks.loading import training_model
from aez.codec.runtime.torch.filter_gradient import filtered_pictures, neighbourhoods

STRIDE = HYPER_STRIDE
"""The prior takes pictures whose sides are multiples of this."""
_WARM_UP = 0.1
"""Share of the steps in which the learning rate rises; afterwards it falls to zero along a cosine."""
_SHORTEST = 0.5
"""Lower bound of the unit of a latent's steps."""
Misfit = Callable[[Tensor], Tensor]
"""Maps x̂ (1, 3, H, W) to the sum of squared errors of samples in [0, 1] where they are known."""


class LatentPrior:
    """A codec's float networks at one quality, for latents that are not rounded."""

    def __init__(self, weights: Weights, quality: float, device: str = "cpu") -> None:
        """Load a model in its training form, and its own picture filter if it has one.

        Args:
            weights: a validated model.
            quality: 1 … 100; sets the unit of the latents and the weight of an error relative to a bit.
            device: device of the networks.
        """
        self.model: HyperpriorModel = training_model(weights).to(device).eval().requires_grad_(False)
        self.position = torch.full((1,), weights.quality_scale.point_of(quality), device=device)
        self.weight = float(self.model.distortion_weight(self.position))
        self.filter: Tensor | None = None
        if weights.has_filter:
            position = weights.quality_scale.position_of(quality)
            self.filter = torch.from_numpy(FilterWeights(weights, position, 3).parse(b""))[None].to(device)

    def latents(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a picture as y (1, M, H/16, W/16) and z (1, Z, H/64, W/64).

        The picture is (1, 3, H, W), RGB / 255 − 1/2; sides are multiples of 64.
        """
        with torch.no_grad():
            y = self.model.analyse(x, self.position)
            return y, self.model.hyper_analysis(y)

    def picture(self, y: Tensor) -> Tensor:
        """Decode y to x̂ (1, 3, H, W), RGB / 255 − 1/2, after the picture filter, not clipped."""
        x = self.model.synthesise(y, self.position)
        return x if self.filter is None else filtered_pictures(x, self.filter, neighbourhoods(x))

    def bits(self, y: Tensor, z: Tensor) -> Tensor:
        """Return −log₂ of the probability of the unit intervals around all latents, as a scalar."""
        model = self.model
        hyper = torch.exp(model.hyper_scale(self.position).clamp(LOG_HYPER_MIN, LOG_HYPER_MAX))
        mean = model.context.two_steps(z, lambda _: y)
        return unit_bits(z, hyper).sum() + unit_bits(y - mean, self._scale(z)).sum()

    def _scale(self, z: Tensor) -> Tensor:
        """Return σ of y, (1, M, H/16, W/16)."""
        scale: Tensor = torch.exp(self.model.log_scale(z, self.position).clamp(LOG_SCALE_MIN, LOG_SCALE_MAX))
        return scale

    def fit(self, start: Tensor, misfit: Misfit, *, steps: int, rate: float, strength: float = 1.0) -> Tensor:
        """Minimise strength · R(y, z) + λ·255² / 3 · misfit(x̂) over y and z, from a first guess.

        The objective is the codec's own, R + λ·255²·MSE, summed over pixels. The optimiser is Adam (Kingma & Ba, ICLR
        2015).

        Args:
            start: first guess, (1, 3, H, W), RGB / 255 − 1/2; sides are multiples of 64.
            misfit: squared error of x̂ on the known data.
            steps: number of steps.
            rate: highest learning rate, as a share of the latents' scales.
            strength: weight of the prior.

        Returns:
            x̂, (1, 3, H, W), not clipped.
        """
        first, z = self.latents(start)
        with torch.no_grad():
            # Steps are in units of each latent's scale: one step size in raw units is too long for the many latents
            # near zero, or too short for the few that must move by hundreds.
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
def load_prior(quality: float, model: str = PSNR_MODEL, device: str = "cpu") -> LatentPrior:
    """Load the prior of a model; the same arguments return the same object.

    Raises:
        ModelError: there is no such model, or the model is damaged.
    """
    return LatentPrior(read_weights(find_model(model).path), quality, device)


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Resize (N, C, H, W) by bicubic interpolation (a = −1/2), antialiased when reducing, as Pillow does."""
    return F.interpolate(x, size=(height, width), mode="bicubic", antialias=True)
