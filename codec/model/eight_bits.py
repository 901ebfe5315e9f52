"""Large matrices of weights as int8, each row with a float16 step of its own (SPEC section 8)."""

from collections.abc import Mapping

import torch
from torch import Tensor

STEP = "#step"
"""What the name of a matrix's steps ends with."""
FROM = 4096
"""Smaller tensors are not worth it."""


def rounded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``tensors`` with every large matrix of floating point as int8, and its steps beside it.

    Args:
        tensors: any shapes and dtypes; rows are along the first axis, steps come as (rows,) float16.
    """
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if not (value.is_floating_point() and value.ndim > 1 and value.numel() >= FROM):
            found[name] = value
            continue
        step = (value.float().flatten(1).abs().amax(1) / 127).clamp_min(1e-7).half()
        found[name] = (value.float() / _beside(step, value)).round().clamp(-127, 127).to(torch.int8)
        found[name + STEP] = step
    return found


def restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Floating point and int8 with steps as float32, anything else as it is: what :func:`rounded` was given, nearly.

    Raises:
        KeyError: there are steps of a tensor that is not there.
        RuntimeError: the steps are not as many as the tensor's rows.
    """
    found = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items() if not k.endswith(STEP)}
    for name in (k.removesuffix(STEP) for k in tensors if k.endswith(STEP)):
        found[name] = found[name].float() * _beside(tensors[name + STEP], found[name])
    return found


def _beside(step: Tensor, value: Tensor) -> Tensor:
    return step.float().reshape(-1, *[1] * (value.ndim - 1))
