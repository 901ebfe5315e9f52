"""Check the shapes of the tensors that NumPy computes with; those of the graphs are checked with the graphs."""

import numpy as np

from aez.bitstream.errors import ModelError
from aez.codec.model.config import NetworkConfig
from aez.codec.model.weightfile import Weights
from aez.codec.runtime.ends import PATCH, QUARTER, STRIDE


def check_shapes(weights: Weights) -> None:
    """Check that a model's gains, first and last layers fit its configuration.

    Raises:
        ModelError: one of them is missing, not finite, or has the wrong shape.
    """
    for name, shape in _shapes(weights.config).items():
        found = weights.tensor(name).shape
        if found[: len(shape)] != shape or any(side != 1 for side in found[len(shape) :]):
            raise ModelError(f"the model's tensor {name!r} does not fit its configuration")
        if not np.isfinite(weights.tensor(name)).all():
            raise ModelError(f"the model's tensor {name!r} is not finite")


def _shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Return the shapes by name; layers may have further axes of one element."""
    gains = {
        "analysis.gain": config.analysis,
        "encoder_gain": config.latent,
        "decoder_gain": config.latent,
        "synthesis.gain": config.synthesis16,
    }
    layers = {
        "analysis.head": (config.analysis, 3 * PATCH**2),
        "analysis.linear": (config.latent, 3 * STRIDE**2),
        "synthesis.linear": (3 * STRIDE**2, config.latent),
        "synthesis.tail": (3 * QUARTER**2, config.synthesis4),
    }
    return {
        **{f"{name}.rows": (config.points, width) for name, width in gains.items()},
        **{f"{name}.weight": shape for name, shape in layers.items()},
        **{f"{name}.bias": shape[:1] for name, shape in layers.items()},
    }
