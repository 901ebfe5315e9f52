"""Export of a trained model to runtime form: float16 networks, integer scale path, integer tables."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.errors import ModelError
from aez.codec.model.eight_bits import FROM, SHIFT, rounded, shortened
from aez.codec.model.scales import FIRST_CODED, LEVELS_PER_NAT, LOG_HYPER_MAX, LOG_HYPER_MIN, LOG_SCALE_MIN, ladder
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.networks import HyperpriorModel, ScaleNetwork
from aez.codec.networks.frequencies import gaussian_masses, gaussian_table, integer_counts
from aez.codec.training.graphs import coding_graphs

ACTIVATION_FRACTION_BITS = 12
_EIGHT_BITS = ("hyper_analysis.", "context.block", "context.fuse", "context.up")
"""Parts whose large matrices have eight bits, which cost less than 0.05 % of the objective at any quality.

In the analysis they would cost 0.7 % at the highest.
"""
_SHORTENED = ("exact.conv3", "exact.linear")
"""Large matrices of integers, which have eight bits and shifts: 0.01 % more bits of r."""
_HYPER_BOUND_SIGMAS, _HYPER_BOUND_MAX = 9.0, 500
_RESIDUAL_BOUND_SIGMAS = 5.0


def export_weights(model: HyperpriorModel, name: str, card: Mapping[str, Any]) -> Weights:
    """Turn a model into its runtime form.

    Args:
        model: trained model, float32, on the CPU.
        name: name of the exported model.
        card: training facts.

    Returns:
        Weights that have passed every check of a weights file.

    Raises:
        ModelError: the exact path's bound does not hold, or a tensor is not finite.
    """
    if not all(bool(v.half().isfinite().all()) for v in model.state_dict().values()):
        raise ModelError("the model has tensors that are not finite as float16")
    skipped = ("scale.", "scale_bias.", "hyper_scale.")
    tensors = {k: v.half() for k, v in model.state_dict().items() if not k.startswith((*skipped, *_EIGHT_BITS))}
    eight = rounded({k: v.numpy() for k, v in model.state_dict().items() if k.startswith(_EIGHT_BITS)})
    tensors |= {k: torch.from_numpy(v.astype(np.float16) if v.dtype == np.float32 else v) for k, v in eight.items()}
    for kept in ("scale_bias.rows", "hyper_scale.rows"):
        tensors[f"training.{kept}"] = model.state_dict()[kept].half()
    with torch.no_grad():
        # The decoder has the rounded gain, so the bias is added to the rounded one.
        quality = tensors["encoder_gain.rows"].float() + model.scale_bias.rows
        tensors |= _integer_scale(model.scale, quality)
        log_hyper = model.hyper_scale.rows.clamp(LOG_HYPER_MIN, LOG_HYPER_MAX)
        index = ((log_hyper - LOG_SCALE_MIN) * LEVELS_PER_NAT).round().clamp(0, len(ladder()) - 1)
    tensors["tables.hyper_index"] = index.to(torch.uint8)
    tensors["tables.first_coded"] = torch.tensor(FIRST_CODED, dtype=torch.int32)
    for kind, tables in (("residual", residual_tables()), ("hyper", hyper_tables())):
        tensors[f"tables.{kind}_counts"] = torch.from_numpy(np.concatenate(tables).astype(np.int32))
        tensors[f"tables.{kind}_sizes"] = torch.tensor([len(t) for t in tables], dtype=torch.int32)
    arrays = {key: tensor.detach().numpy() for key, tensor in tensors.items()}
    for key in (key for key in _SHORTENED if arrays[key].size >= FROM):
        arrays[key], arrays[key + SHIFT] = shortened(arrays[key])
    arrays |= coding_graphs(model)
    return parse_weights(serialise_weights(Weights(name, model.config, arrays, dict(card))))


def _to_int16(weight: Tensor) -> tuple[Tensor, int]:
    """Round a matrix to int16 with the finest power-of-two step that holds it; return it and its fraction bits."""
    bits = 15 - math.ceil(math.log2(float(weight.abs().max()) * (1 + 2**-14) + 1e-30))
    bits = min(bits, 24)
    return (weight.double() * 2**bits).round().clamp(-32767, 32767).to(torch.int16), bits


def _integer_scale(scale: ScaleNetwork, quality: Tensor) -> dict[str, Tensor]:
    """Make integer weights whose rescalings are all shifts; see :class:`aez.codec.model.exact.ExactScales`."""
    hidden = scale.conv1.weight.shape[0]
    conv1, k1 = _to_int16(scale.conv1.weight.flatten(1))
    conv2, k2 = _to_int16(scale.conv2.weight.reshape(hidden, -1))
    conv3, k3 = _to_int16(scale.conv3.weight.flatten(1) * LEVELS_PER_NAT)
    linear, kl = _to_int16(scale.linear.weight.flatten(1) * LEVELS_PER_NAT)
    a1 = min(ACTIVATION_FRACTION_BITS, k1)
    a2 = min(ACTIVATION_FRACTION_BITS, k2 + a1)
    final = k3 + a2
    if final < kl:
        linear, kl = (linear.double() * 2.0 ** (final - kl)).round().to(torch.int16), final
    biases = [layer.bias.double() for layer in (scale.conv1, scale.conv2, scale.conv3) if layer.bias is not None]
    offset = 0.5 - LOG_SCALE_MIN * LEVELS_PER_NAT
    return {
        "exact.conv1": conv1,
        "exact.bias1": (biases[0] * 2**k1).round().long(),
        "exact.conv2": conv2,
        "exact.bias2": (biases[1] * 2 ** (k2 + a1)).round().long(),
        "exact.conv3": conv3,
        "exact.linear": linear,
        "exact.bias3": ((biases[2] * LEVELS_PER_NAT + offset) * 2**final).round().long(),
        "exact.quality_bias": (quality.double() * (LEVELS_PER_NAT * 2**final)).round().long(),
        "exact.shifts": torch.tensor([k1 - a1, k2 + a1 - a2, final - kl, final], dtype=torch.int32),
        "training.scale_fraction_bits": torch.tensor([k1, k2, k3, kl], dtype=torch.int32),
    }


def residual_tables() -> list[NDArray[np.int64]]:
    """Make a table for each rung of the σ ladder; its last entry is the escape, with the mass of both tails."""
    return [gaussian_table(sigma, math.ceil(_RESIDUAL_BOUND_SIGMAS * sigma) + 2) for sigma in ladder()]


def hyper_tables() -> list[NDArray[np.int64]]:
    """Make the tables of z on the same ladder, without escape, wide enough that clamping never matters."""
    return [
        integer_counts(gaussian_masses(sigma, min(_HYPER_BOUND_MAX, math.ceil(_HYPER_BOUND_SIGMAS * sigma) + 2)))
        for sigma in ladder()
    ]
