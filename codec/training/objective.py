"""The rate–distortion objective, with compressai's quantisers and Gaussian likelihood."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from compressai.entropy_models import GaussianConditional
from compressai.ops import quantize_ste
from torch import Tensor, nn

from aez.codec.model.scales import LOG_HYPER_MAX, LOG_HYPER_MIN, LOG_SCALE_MAX, LOG_SCALE_MIN, SKIP_BELOW
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.hyperprior import to_cells
from aez.codec.networks.perception import perceptual_loss
from aez.codec.training.filter_in_loop import filtered_crops
from aez.codec.training.settings import DISTORTIONS, SYMBOLS

EVALUATION_NORMALISATION = 0.4
"""Power of λ·255² that divides the loss in evaluations, so that mean losses of all models compare."""
STRENGTH = 0.5
"""Strength of the quantisation that chooses symbols, the best in one pass (``codec/encoding/effort.py``)."""


@dataclass
class Outcome:
    """Result of one pass, every field (N,): loss, bits per pixel, mean squared error of samples in [0, 1]."""

    loss: Tensor
    bpp: Tensor
    mse: Tensor


class RateDistortion(nn.Module):
    """λ·255²·D + bpp of a batch, each sample at its own quality (Ballé et al., ICLR 2018; Minnen et al., 2018).

    D is the mean squared error (``mse``) or, for a model of what is seen (``perceptual``), that of
    :func:`aez.codec.networks.perception.perceptual_distortion`.

    In training the rate is that of values with uniform noise, and in a last phase that of the symbols. Reconstruction
    and context always see rounded values, with the straight-through gradient.
    """

    def __init__(
        self,
        model: HyperpriorModel,
        distortion: str = "mse",
        normalisation: float = EVALUATION_NORMALISATION,
        picture_filter: float = 0.0,
    ) -> None:
        """Hold ``model`` and compressai's Gaussian; the defaults are those of evaluations.

        Args:
            model: the model.
            distortion: one of ``DISTORTIONS``.
            normalisation: power of λ·255² that divides the loss of each sample: 0 favours high qualities, 1 low ones.
            picture_filter: share of the crops whose distortion is measured behind the adaptive loop filter, whose bits
                are not counted; evaluations filter every picture if it is above 0. The others hold the model to
                pictures that need no filter of their own.

        Raises:
            ValueError: there is no such distortion.
        """
        super().__init__()
        self.normalisation, self.picture_filter = normalisation, picture_filter
        if distortion not in DISTORTIONS:
            raise ValueError(f"distortion must be one of {', '.join(DISTORTIONS)}, not {distortion!r}")
        self.distortion = distortion
        self.model = model
        self.gaussian = GaussianConditional(None, scale_bound=0.04)

    def _bits(self, values: Tensor, scales: Tensor) -> Tensor:
        likelihood = self.gaussian._likelihood(values, scales)
        return -torch.log2(likelihood.clamp_min(1e-9))

    def _chosen(self, values: Tensor, scale: Tensor, worth: Tensor, strength: Tensor) -> Tensor:
        """Quantise like :class:`aez.codec.encoding.quantise.Quantiser`, with Gaussian bits, gradient straight through.

        Args:
            values: v = y − μ, (N, M, h, w) float32; the other arguments broadcast to it.
            scale: σ of v.
            worth: bits that a squared unit is worth.
            strength: share of the saved bits that counts.

        Returns:
            r, the shape of ``values``.
        """
        with torch.no_grad():
            magnitude = values.abs()
            nearest = magnitude.round()
            saved = self._bits(nearest, scale) - self._bits((nearest - 1).clamp_min(0), scale)
            nearest -= (strength * saved > worth * 2 * (magnitude - nearest + 0.5)).to(nearest.dtype)
            symbols = nearest.copysign_(values)
        return values + (symbols - values).detach()

    def forward(self, x: Tensor, position: Tensor, symbols: str = "noisy") -> Tensor:
        """Return the mean loss of a batch; the arguments are those of :meth:`evaluate`."""
        return self.evaluate(x, position, symbols if self.training else "rounded")[0].loss.mean()

    def evaluate(self, x: Tensor, position: Tensor, symbols: str = "rounded") -> tuple[Outcome, Tensor]:
        """Evaluate pictures at quality points.

        Args:
            x: (N, 3, H, W), RGB / 255 − 1/2, sides multiples of 16.
            position: (N,), real-valued quality points.
            symbols: one of ``SYMBOLS``: values with noise, or the symbols of a file, rounded or chosen by RDO; mixed
                are rounded symbols for the first picture, the third and so on, and chosen ones for the others.

        Returns:
            The outcome, and x̂ (N, 3, H, W), not clipped.

        Raises:
            ValueError: ``symbols`` is none of ``SYMBOLS``.
        """
        if symbols not in SYMBOLS:
            raise ValueError(f"symbols must be one of {', '.join(SYMBOLS)}, not {symbols!r}")
        model = self.model
        y = model.analyse(x, position)
        rows, cols = y.shape[2:]
        right, down = -cols % 4, -rows % 4
        padded = nn.functional.pad(y, (0, right, 0, down), mode="replicate") if right or down else y
        z = model.hyper_analysis(padded)
        z_hat = quantize_ste(z)
        noisy = symbols == "noisy"
        z_rate = z + torch.rand_like(z) - 0.5 if noisy else z_hat
        hyper_scale = torch.exp(model.hyper_scale(position).clamp(LOG_HYPER_MIN, LOG_HYPER_MAX))
        bits_z = self._bits(z_rate, hyper_scale.expand_as(z))
        log_scale = model.log_scale(z_hat, position)[:, :, :rows, :cols]
        scale = torch.exp(log_scale.clamp(LOG_SCALE_MIN, LOG_SCALE_MAX))
        coded = (scale.detach() >= SKIP_BELOW).to(y.dtype)

        quantise: Callable[[Tensor], Tensor] = quantize_ste
        if symbols in ("chosen", "mixed"):
            worth = model.curvature(position, 3).detach()[:, :, None, None]
            strength = torch.full_like(position, STRENGTH)[:, None, None, None]
            if symbols == "mixed":
                strength[::2] = 0
            quantise = partial(self._chosen, scale=scale.detach(), worth=worth, strength=strength)

        def known(first: Tensor) -> Tensor:
            # The context sees whole cells; beyond the picture the residual is 0.
            return first + to_cells(coded * quantise(y - first[:, :, :rows, :cols]), first.shape[2:])

        mean = model.context.two_steps(z_hat, known)[:, :, :rows, :cols]
        r = y - mean
        r_hat = coded * quantise(r)
        # Elements that are not coded cost nothing in a file. In training they count, so that their σ can grow.
        bits_r = self._bits(r + torch.rand_like(r) - 0.5 if noisy else r_hat, scale)
        if not self.training:
            bits_r = bits_r * coded
        x_hat = model.synthesise(r_hat + mean, position)
        if self.picture_filter:
            behind = filtered_crops(x_hat, x)
            chosen = torch.rand(len(x), device=x.device) < self.picture_filter
            x_hat = torch.where(chosen[:, None, None, None], behind, x_hat) if self.training else behind

        pixels = x.shape[2] * x.shape[3]
        bpp = (bits_r.sum((1, 2, 3)) + bits_z.sum((1, 2, 3))) / pixels
        mse = (x_hat - x).square().mean((1, 2, 3))
        weight = model.distortion_weight(position)
        distortion = mse if self.distortion == "mse" else perceptual_loss(x, x_hat)
        return Outcome((bpp + weight * distortion) / weight**self.normalisation, bpp, mse), x_hat
