"""Make networks of a weights file's tensors."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.errors import ModelError
from aez.codec.model.eight_bits import restored
from aez.codec.model.scales import LEVELS_PER_NAT, LOG_SCALE_MIN
from aez.codec.model.weightfile import Weights
from aez.codec.networks.blank import blank
from aez.codec.networks.model import HyperpriorModel

_NOT_NETWORKS = ("graphs.", "training.", "exact.", "tables.", "filter.", "copula.")
_UNFIT = "the model's tensors do not fit its configuration"


def coding_model(weights: Weights) -> HyperpriorModel:
    """Make the float networks for coding, float32; the scale network is left out.

    Raises:
        ModelError: a tensor is missing or has another shape than the configuration says.
    """
    with blank():
        model = HyperpriorModel(weights.config)
    for unused in ("scale", "scale_bias", "hyper_scale"):
        delattr(model, unused)
    try:
        model.load_state_dict(_stored(weights), assign=True)
    except RuntimeError:
        raise ModelError(_UNFIT) from None
    return model.eval().requires_grad_(False)


def training_model(weights: Weights) -> HyperpriorModel:
    """Make all networks, float32, the scale network recovered from its 16-bit integers.

    Raises:
        ModelError: a tensor does not fit the configuration.
    """
    model = HyperpriorModel(weights.config)
    state = model.state_dict()
    stored = _stored(weights)
    for name in state:
        if name in stored:
            state[name] = stored[name]
        elif f"training.{name}" in weights.tensors:
            state[name] = _float(weights.tensors[f"training.{name}"])
    state |= _scale_network(weights)
    try:
        model.load_state_dict(state)
    except RuntimeError:
        raise ModelError(_UNFIT) from None
    return model


def _stored(weights: Weights) -> dict[str, Tensor]:
    """Return each tensor that is a network's as it is, float32; what eight bits hold is restored."""
    try:
        found = restored({k: v for k, v in weights.tensors.items() if not k.startswith(_NOT_NETWORKS)})
    except (KeyError, ValueError):
        raise ModelError(_UNFIT) from None
    if not all(np.issubdtype(value.dtype, np.floating) for value in found.values()):
        raise ModelError(_UNFIT)
    return {name: torch.from_numpy(value) for name, value in found.items()}


def _scale_network(weights: Weights) -> dict[str, Tensor]:
    """Recover the scale network from the integers of the exact path."""
    k1, k2, k3, kl = (int(k) for k in weights.tensor("training.scale_fraction_bits").tolist())
    exact, hidden = weights.exact, weights.config.scale
    s1, _, _, s3 = exact.shifts
    offset = LOG_SCALE_MIN - 0.5 / LEVELS_PER_NAT
    conv1, conv2, conv3, linear = (_float(w) for w in (exact.conv1, exact.conv2, exact.conv3, exact.linear))
    return {
        "scale.conv1.weight": conv1[:, :, None, None] / 2**k1,
        "scale.conv1.bias": _float(exact.bias1 / 2**k1),
        "scale.conv2.weight": conv2.reshape(hidden, hidden, 3, 3) / 2**k2,
        "scale.conv2.bias": _float(exact.bias2 / 2 ** (k2 + k1 - s1)),
        "scale.conv3.weight": conv3[:, :, None, None] / (2**k3 * LEVELS_PER_NAT),
        "scale.conv3.bias": _float(exact.bias3 / (2**s3 * LEVELS_PER_NAT) + offset),
        "scale.linear.weight": linear[:, :, None, None] / (2**kl * LEVELS_PER_NAT),
    }


def _float(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
