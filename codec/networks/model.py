"""All networks of one model."""

import torch
from torch import Tensor, nn

from aez.codec.model.config import NetworkConfig
from aez.codec.networks.hyperprior import HyperAnalysis, MeanContext, ScaleNetwork
from aez.codec.networks.quality import QualityTable, lambda_of
from aez.codec.networks.transforms import Analysis, Synthesis


class HyperpriorModel(nn.Module):
    """Transforms, hyperprior and mean context with their quality tables, float32.

    Attributes:
        encoder_gain: log of the factor of y before rounding.
        decoder_gain: log of the factor of ŷ / exp(encoder_gain) before the synthesis.
        scale_bias: added to log σ, beside ``encoder_gain``.
        hyper_scale: log σ of each channel of z.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        """Make an untrained model, a linear codec on the colour DCT."""
        super().__init__()
        self.config = config = config or NetworkConfig()
        self.analysis = Analysis(config)
        self.synthesis = Synthesis(config)
        self.hyper_analysis = HyperAnalysis(config)
        self.scale = ScaleNetwork(config)
        self.context = MeanContext(config)
        self.encoder_gain = QualityTable(config.points, config.latent, -1.2, 2.4)
        self.decoder_gain = QualityTable(config.points, config.latent)
        self.scale_bias = QualityTable(config.points, config.latent)
        self.hyper_scale = QualityTable(config.points, config.hyper)

    def analyse(self, x: Tensor, position: Tensor) -> Tensor:
        """Map pictures (N, 3, H, W) at quality points (N,) to y (N, M, H/16, W/16), gain included."""
        out: Tensor = self.analysis(x, position) * torch.exp(self.encoder_gain(position))
        return out

    def output_gain(self, position: Tensor) -> Tensor:
        """Return what ŷ is multiplied by before the synthesis, (N, M, 1, 1)."""
        return torch.exp(self.decoder_gain(position) - self.encoder_gain(position))

    def distortion_weight(self, position: Tensor) -> Tensor:
        """Return λ·255² at real-valued quality points (any shape), see :func:`lambda_of`."""
        return lambda_of(position, self.config.points, self.config.lambda_high)

    def curvature(self, position: Tensor, channels: int) -> Tensor:
        """Return the bits that a squared unit of ŷ is worth as distortion, (N, M) float32.

        This is λ·255² times the squared error that a unit in one latent makes through the linear path of the synthesis,
        which is nearly all of its error.

        Args:
            position: quality points, (N,).
            channels: samples per pixel that count: 3, or 1 for a grey picture.
        """
        gain = self.output_gain(position).flatten(1)
        basis = self.synthesis.linear.weight.flatten(1).reshape(3, -1, gain.shape[1])
        energy = basis.square().sum((0, 1)) / 3 if channels == 3 else basis.mean(0).square().sum(0)
        out: Tensor = self.distortion_weight(position)[:, None] * energy * gain.square()
        return out

    def synthesise(self, y_hat: Tensor, position: Tensor) -> Tensor:
        """Map ŷ, gain included, to x̂ (N, 3, 16·h, 16·w), not clipped."""
        out: Tensor = self.synthesis(y_hat * self.output_gain(position), position)
        return out

    def log_scale(self, z_hat: Tensor, position: Tensor) -> Tensor:
        """Compute log σ (N, M, 4·h, 4·w) from ẑ in float, not clipped."""
        out: Tensor = self.scale(z_hat) + self.encoder_gain(position) + self.scale_bias(position)
        return out
