"""Make networks of the family from weights, and weights from networks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from aez.bitstream.errors import ModelError
from aez.codec.family.base import FamilyModel
from aez.codec.family.members import family_class
from aez.codec.family.weightfile import FamilyWeights
from aez.codec.model.eight_bits import restored, rounded
from aez.codec.networks.blank import blank


def family_model(weights: FamilyWeights) -> FamilyModel:
    """Make a member's network: float32, on the CPU, in evaluation mode, with its fingerprint.

    Raises:
        ModelError: there is no such member, or its tensors do not fit its sizes.
    """
    kind = family_class(weights.name)
    try:
        with blank():
            model = kind(**weights.sizes)
        state = {key: torch.from_numpy(value) for key, value in restored(weights.own_tensors).items()}
        model.load_state_dict(state, assign=True)
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError):
        raise ModelError("the model's tensors do not fit its sizes") from None
    model.fingerprint = weights.fingerprint
    return model.eval().requires_grad_(False)


def family_weights(model: FamilyModel, card: Mapping[str, Any]) -> FamilyWeights:
    """Return the weights of a network, without graphs: large matrices in int8, the rest in float16.

    Args:
        model: the network.
        card: training facts.

    Raises:
        ModelError: a weight is not finite as float16.
    """
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    for key, value in state.items():
        if value.is_floating_point() and not bool(value.half().isfinite().all()):
            raise ModelError(f"{key} is not finite as float16")
    stored = rounded({key: value.numpy() for key, value in state.items()})
    tensors = {key: v.astype(np.float16) if v.dtype == np.float32 else v for key, v in stored.items()}
    return FamilyWeights(model.NAME, dict(model.sizes), tensors, {"summary": model.SUMMARY, **card})
