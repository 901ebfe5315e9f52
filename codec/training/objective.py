"""The rate–distortion objective, with compressai's quantisers and Gaussian likelihood."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from compressai.entropy_models import GaussianConditional
from compressai.ops import quantize_ste
from torch import Tensor, nn

from aez.codec.encoding.effort import curvature
from aez.codec.model.scales import LOG_HYPER_MAX, LOG_HYPER_MIN, LOG_SCALE_MAX, LOG_SCALE_MIN, SKIP_BELOW
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.ms_ssim import ms_ssim
from aez.codec.networks.quality import lambda_of
from aez.codec.runtime.context import to_cells
from aez.codec.training.filter_in_loop import filtered_crops

# λ·255² to this power divides every sample's loss, so that no quality dominates the gradient.
LAMBDA_NORMALISATION = 0.4
DISTORTIONS = ("mse", "ms-ssim")
SYMBOLS = ("noisy", "rounded", "chosen", "mixed")
MS_SSIM_WEIGHT = 1250 / 255**2
MSE_SHARE = 0.1
STRENGTH = 0.5
"""Of the quantisation that chooses symbols in training: the best in a single pass (``codec/encoding/effort.py``)."""


@dataclass
class Outcome:
    """What one pass gives, every field (N,): loss, bits a pixel, mean squared error of samples in [0, 1]."""

    loss: Tensor
    bpp: Tensor
    mse: Tensor


class RateDistortion(nn.Module):
    """λ·255²·D + bpp of a batch, each sample at a quality of its own (Ballé et al., ICLR 2018; Minnen et al., 2018).

    D is the mean squared error or, for a model of visual quality, (1 − MS-SSIM) / 52 with a tenth of that error, which
    keeps flat colours where they are: 1250 is about what λ of CompressAI's MS-SSIM models has to that of the others.

    In training the rate sees uniform noise, reconstruction and context see rounding, straight through; in a last phase
    the rate is that of the symbols, too.
    """

    def __init__(
        self,
        model: HyperpriorModel,
        distortion: str = "mse",
        normalisation: float = LAMBDA_NORMALISATION,
        picture_filter: bool = False,
    ) -> None:
        """Hold ``model`` and compressai's Gaussian.

        Args:
            model: what to train.
            distortion: one of ``DISTORTIONS``.
            normalisation: power of λ·255² that divides each sample's loss: 0 favours high qualities, 1 low ones.
            picture_filter: the distortion is that behind the picture filter; its bits are not counted.

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
        """r of v = y − μ as :class:`aez.codec.encoding.quantise.Quantiser` rounds it: Gaussian bits, straight through.

        All of (N, M, h, w), float32, or broadcast to it: v, its σ, the bits that a squared unit is worth, and strength.
        """
        with torch.no_grad():
            magnitude = values.abs()
            nearest = magnitude.round()
            saved = self._bits(nearest, scale) - self._bits((nearest - 1).clamp_min(0), scale)
            nearest -= (strength * saved > worth * 2 * (magnitude - nearest + 0.5)).to(nearest.dtype)
            symbols = nearest.copysign_(values)
        return values + (symbols - values).detach()

    def forward(self, x: Tensor, position: Tensor, symbols: str = "noisy") -> Tensor:
        """The mean loss of a batch; the arguments are those of :meth:`evaluate`."""
        return self.evaluate(x, position, symbols if self.training else "rounded")[0].loss.mean()

    def evaluate(self, x: Tensor, position: Tensor, symbols: str = "rounded") -> tuple[Outcome, Tensor]:
        """Evaluate pictures at quality points.

        Args:
            x: (N, 3, H, W), RGB / 255 − 1/2, sides multiples of 16.
            position: (N,), real-valued quality points.
            symbols: that rate and distortion are of, one of ``SYMBOLS``: a file has rounded or chosen ones; mixed are
                those of the first picture, the third and so on rounded and of the others chosen.

        Returns:
            The outcome and x̂, (N, 3, H, W), not clipped.

        Raises:
            ValueError: there are no such symbols.
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
            worth = curvature(model, position, 3).detach()[:, :, None, None]
            strength = torch.full_like(position, STRENGTH)[:, None, None, None]
            if symbols == "mixed":
                strength[::2] = 0
            quantise = partial(self._chosen, scale=scale.detach(), worth=worth, strength=strength)

        # The context sees whole cells: beyond the picture the residual is 0.
        features = model.context.features(z_hat)
        first = model.context.first_mean(features)
        mask = model.context.first_mask(first.shape[2], first.shape[3], 0, 0, y)
        told = to_cells(coded * quantise(y - first[:, :, :rows, :cols]), first.shape[2:])
        mean = model.context.second_mean(features, first, (told + first) * mask, mask)[:, :, :rows, :cols]
        r = y - mean
        r_hat = coded * quantise(r)
        # Elements that are not coded cost nothing, but their σ must still be able to grow: in training they stay.
        bits_r = self._bits(r + torch.rand_like(r) - 0.5 if noisy else r_hat, scale)
        if not self.training:
            bits_r = bits_r * coded
        x_hat = model.synthesise(r_hat + mean, position)
        if self.picture_filter:
            x_hat = filtered_crops(x_hat, x)

        pixels = x.shape[2] * x.shape[3]
        bpp = (bits_r.sum((1, 2, 3)) + bits_z.sum((1, 2, 3))) / pixels
        mse = (x_hat - x).square().mean((1, 2, 3))
        weight = lambda_of(position, model.config.points)
        distortion = mse
        if self.distortion == "ms-ssim":
            similarity = ms_ssim((x + 0.5) * 255, (x_hat + 0.5) * 255)
            distortion = MS_SSIM_WEIGHT * (1 - similarity) + MSE_SHARE * mse
        return Outcome((bpp + weight * distortion) / weight**self.normalisation, bpp, mse), x_hat
