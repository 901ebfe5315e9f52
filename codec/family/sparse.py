"""Sparse autoencoders, whose codes are mostly zero."""

import math
from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from aez.codec.family.base import Crops
from aez.codec.family.code_model import CodeModel
from aez.codec.networks import Analysis, NetworkConfig, QualityTable, Synthesis
from aez.codec.networks.frequencies import spike_table
from aez.codec.networks.quality import lambda_of

# Tables: 16 probabilities of zero with log-odds from −4 to 9, each with 12 ratios of magnitudes from 0.02 to 0.98.
_ODDS = [-4 + 13 * i / 15 for i in range(16)]
_RATIOS = [0.02 + 0.96 * i / 11 for i in range(12)]
_BOUND = 40
_MEASURED_BATCHES = 24


class SparseCodeModel(CodeModel):
    """Base class of both penalties: transforms of the flagship's kind around a code that is pushed towards zero."""

    def __init__(
        self, channels: int = 512, analysis: int = 96, synthesis16: int = 160, synthesis8: int = 64, points: int = 8
    ) -> None:
        """Build the networks, initialised as the first ``channels`` rows of the colour DCT."""
        super().__init__(
            channels=channels, analysis=analysis, synthesis16=synthesis16, synthesis8=synthesis8, points=points
        )
        config = NetworkConfig(
            latent=channels,
            analysis=analysis,
            analysis_depth=2,
            synthesis16=synthesis16,
            synthesis8=synthesis8,
            synthesis8_depth=1,
            synthesis4=32,
            points=points,
        )
        self.points, self.channels = points, channels
        self.analysis, self.synthesis = Analysis(config), Synthesis(config)
        self.encoder_gain = QualityTable(points, channels, -1.2, 2.4)
        self.decoder_gain = QualityTable(points, channels)
        self.set_tables([spike_table(1 / (1 + math.exp(-odds)), ratio, _BOUND) for odds in _ODDS for ratio in _RATIOS])

    @abstractmethod
    def activation(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return the code of the encoder's output (N, C, h, w), and the penalty of each element in bits."""

    def _latent(self, x: Tensor, position: Tensor) -> Tensor:
        out: Tensor = self.analysis(x, position) * torch.exp(self.encoder_gain(position))
        return out

    def encode_code(self, x: Tensor, position: Tensor) -> Tensor:
        """Encode pictures; see :meth:`CodeModel.encode_code`."""
        return self.activation(self._latent(x, position))[0].round()

    def decode_code(self, code: Tensor, position: Tensor) -> Tensor:
        """Decode a code; see :meth:`CodeModel.decode_code`."""
        gain = torch.exp(self.decoder_gain(position) - self.encoder_gain(position))
        out: Tensor = self.synthesis(code * gain, position)
        return out

    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return λ·255²·MSE plus the penalty per pixel, with a random λ for each crop and straight-through rounding.

        As in the flagship's training, the loss is divided by λ^0.4, so that no λ dominates. With L1 it is Olshausen and
        Field's objective (Nature, 1996) in an encoder's form: ‖x − D(h)‖² + ‖h‖₁ / λ.
        """
        position = torch.rand(len(pictures), device=pictures.device) * (self.points - 1)
        code, penalty = self.activation(self._latent(pictures, position))
        rounded = code + (code.round() - code).detach()
        square = (self.decode_code(rounded, position) - pictures).square().mean((1, 2, 3))
        pixels = pictures.shape[2] * pictures.shape[3]
        cost = penalty.sum((1, 2, 3)) / pixels
        weight = lambda_of(position, self.points)
        zeros = (rounded.detach() == 0).float().mean()
        loss = ((weight * square + cost) / weight**0.4).mean()
        return {"loss": loss, "mse": square.detach().mean(), "penalty": cost.detach().mean(), "zeros": zeros}

    def finish(self, crops: Crops) -> None:
        """Choose the table of every channel at every quality point from its zeros and magnitudes on crops."""
        odds, ratios = torch.tensor(_ODDS), torch.tensor(_RATIOS)
        batches = [crops() for _ in range(_MEASURED_BATCHES)]
        for point in range(self.points):
            at = torch.tensor([float(point)])
            values = torch.cat([self.encode_code(x, at).transpose(0, 1).flatten(1) for x in batches], 1).abs()
            nonzero = (values > 0).sum(1).float()
            share = (nonzero + 0.5) / (values.shape[1] + 1)
            mean = (values.sum(1) + 1) / (nonzero + 1)
            row = (torch.log((1 - share) / share)[:, None] - odds).abs().argmin(1)
            column = ((1 - 1 / mean)[:, None] - ratios).abs().argmin(1)
            self.index[point] = (row * len(_RATIOS) + column).to(torch.uint8)


class SparseAutoencoder(SparseCodeModel):
    """A sparse autoencoder with an L1 penalty: every unit of the code costs the same.

    A soft threshold sets small values to zero. The soft threshold is the proximal operator of the L1 norm, as in
    Gregor and LeCun's learned ISTA (ICML 2010).
    """

    NAME = "sparse"
    SUMMARY = "sparse autoencoder with an L1 penalty"
    UNIT_COST: ClassVar[float] = 1.5
    """Bits per unit of the code, which puts λ on the flagship's scale."""

    def __init__(
        self, channels: int = 512, analysis: int = 96, synthesis16: int = 160, synthesis8: int = 64, points: int = 8
    ) -> None:
        """Build the networks and a threshold per channel."""
        super().__init__(channels, analysis, synthesis16, synthesis8, points)
        self.threshold = nn.Parameter(torch.full((channels,), 0.2))

    def activation(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return sign(h)·max(|h| − θ, 0) and its L1 norm."""
        magnitude = torch.relu(h.abs() - self.threshold.relu()[:, None, None])
        return magnitude * h.sign(), self.UNIT_COST * magnitude


class HardConcreteAutoencoder(SparseCodeModel):
    """A sparse autoencoder with an L0 penalty on nonzero elements, by hard-concrete gates (Louizos et al., ICLR 2018).

    A gate g = min(1, max(0, s·(ζ − γ) + γ)), s = σ((log u − log(1 − u) + log α) / β) with u uniform, is exactly 0 with
    probability 1 − σ(log α − β·log(−γ/ζ)). Here, log α grows with the element's magnitude, so that gradients can lower
    the expected number of nonzero elements. At inference, u = 1/2.
    """

    NAME = "sparse-l0"
    SUMMARY = "sparse autoencoder with an L0 penalty by hard-concrete gates"
    BETA, GAMMA, ZETA = 2 / 3, -0.1, 1.1
    ELEMENT_COST, OCTAVE_COST = 5.0, 2.0
    """Bits of a nonzero element: for its place and sign, and for each doubling of its magnitude."""

    def __init__(
        self, channels: int = 512, analysis: int = 96, synthesis16: int = 160, synthesis8: int = 64, points: int = 8
    ) -> None:
        """Build the networks, and threshold and steepness of the gates per channel."""
        super().__init__(channels, analysis, synthesis16, synthesis8, points)
        self.threshold = nn.Parameter(torch.full((channels,), 0.7))
        self.steepness = nn.Parameter(torch.full((channels,), math.log(6.0)))

    def activation(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return h times its gate, and the expected cost."""
        log_alpha = self.steepness.exp()[:, None, None] * (h.abs() - self.threshold[:, None, None])
        noise = torch.rand_like(h).clamp(1e-6, 1 - 1e-6).logit() if self.training else 0.0
        gate = torch.sigmoid((log_alpha + noise) / self.BETA) * (self.ZETA - self.GAMMA) + self.GAMMA
        open_share = torch.sigmoid(log_alpha - self.BETA * math.log(-self.GAMMA / self.ZETA))
        cost = open_share * (self.ELEMENT_COST + self.OCTAVE_COST * torch.log2(1 + h.abs()))
        return h * gate.clamp(0, 1), cost
