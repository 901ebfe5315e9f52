"""Growing a trained model: deeper stacks, and quality points above the highest."""

import math
from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import nn

from aez.bitstream.errors import ModelError
from aez.codec.model.quality import LAMBDA_LOW
from aez.codec.networks import HyperpriorModel, NetworkConfig
from aez.codec.networks.quality import QualityTable

_SLOPE_POINTS = 3
"""Steps between quality points at the top whose mean gives the gains of new points."""


@torch.no_grad()
def grown(model: HyperpriorModel, sizes: Mapping[str, int]) -> HyperpriorModel:
    """Return a larger copy that computes the same at the quality points that the model has.

    New blocks come last in their stack and start as the identity. New quality points continue λ and the gains by equal
    steps.

    Args:
        model: trained model.
        sizes: fields of :class:`NetworkConfig`, ``points`` or those that end in ``_depth``, and their new values.

    Raises:
        ModelError: a field is unknown or cannot grow, or its new value is below the old one.
    """
    old = asdict(model.config)
    growing = [field for field in old if field.endswith("_depth") or field == "points"]
    for name, size in sizes.items():
        if name not in growing:
            raise ModelError(f"{name}: no size of the model that can grow (there are {', '.join(growing)})")
        if size < old[name]:
            raise ModelError(f"{name}: {size} is less than the {old[name]} that the model has")
    points = sizes.get("points", old["points"])
    step = math.log(old["lambda_high"] / LAMBDA_LOW) / (old["points"] - 1)
    high = {"lambda_high": LAMBDA_LOW * math.exp(step * (points - 1))} if points > old["points"] else {}
    larger = HyperpriorModel(NetworkConfig.from_dict(old | dict(sizes) | high))
    state = model.state_dict()
    for name, table in larger.named_modules():
        if isinstance(table, QualityTable):
            state[f"{name}.rows"] = _extended(state[f"{name}.rows"], points)
    missing = larger.load_state_dict(state, strict=False).missing_keys
    for name in {key.rsplit(".", 2)[0] for key in missing}:
        block = larger.get_submodule(name)
        for layer in (block.conv_out, block.project):
            if isinstance(layer, nn.Conv2d):
                nn.init.zeros_(layer.weight)
    return larger


def _extended(rows: torch.Tensor, points: int) -> torch.Tensor:
    """Continue a table, (points, channels), along straight lines."""
    reach = min(_SLOPE_POINTS, len(rows) - 1)
    step = (rows[-1] - rows[-1 - reach]) / reach
    more = torch.arange(1, points - len(rows) + 1, dtype=rows.dtype, device=rows.device)
    return torch.cat([rows, rows[-1] + more[:, None] * step])
