"""The torch networks: analysis and synthesis transforms, hyperprior, mean context, and their gains by quality."""

from aez.codec.model.config import NetworkConfig
from aez.codec.networks.hyperprior import HyperAnalysis, MeanContext, ScaleNetwork
from aez.codec.networks.model import HyperpriorModel
from aez.codec.networks.quality import QualityTable
from aez.codec.networks.transforms import Analysis, Synthesis

__all__ = [
    "Analysis",
    "HyperAnalysis",
    "HyperpriorModel",
    "MeanContext",
    "NetworkConfig",
    "QualityTable",
    "ScaleNetwork",
    "Synthesis",
]
