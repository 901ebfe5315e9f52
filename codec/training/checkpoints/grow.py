"""Growing a trained model: new blocks start as the identity, so its output does not change."""

from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import nn

from aez.bitstream.errors import ModelError
from aez.codec.networks import HyperpriorModel, NetworkConfig


@torch.no_grad()
def grown(model: HyperpriorModel, depths: Mapping[str, int]) -> HyperpriorModel:
    """Return a copy with deeper stacks; new blocks come last in their stack and start as the identity.

    Args:
        model: trained model.
        depths: fields of :class:`NetworkConfig` that end in ``_depth``, and their new values.

    Raises:
        ModelError: a field is unknown or is no depth, or its new value is below the old one.
    """
    old = asdict(model.config)
    for name, depth in depths.items():
        if not name.endswith("_depth") or name not in old:
            known = ", ".join(field for field in old if field.endswith("_depth"))
            raise ModelError(f"{name}: not a depth of the model (there are {known})")
        if depth < old[name]:
            raise ModelError(f"{name}: {depth} blocks are fewer than the {old[name]} that the model has")
    larger = HyperpriorModel(NetworkConfig.from_dict(old | dict(depths)))
    known_state = model.state_dict()
    missing = larger.load_state_dict(known_state, strict=False).missing_keys
    for name in {key.rsplit(".", 2)[0] for key in missing}:
        block = larger.get_submodule(name)
        for layer in (block.conv_out, block.project):
            if isinstance(layer, nn.Conv2d):
                nn.init.zeros_(layer.weight)
    return larger
