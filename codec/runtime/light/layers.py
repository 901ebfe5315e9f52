"""The first and last layers of the transforms, in NumPy; see :mod:`aez.codec.runtime.ends`."""

import numpy as np

from aez.bitstream.errors import ModelError
from aez.codec.model.eight_bits import STEP, Arrays, restored
from aez.codec.model.weightfile import Weights
from aez.codec.runtime.ends import PATCH, Matrix, analysis_linear, analysis_start, synthesis_end
from aez.codec.runtime.networks import Floats, Levels

Layer = tuple[Matrix, Matrix]
"""Weight, (inputs, outputs), and bias, (outputs,) or (1, outputs)."""


class EndLayers:
    """The layers of one model that take or give pixels; each is made when it is first needed."""

    def __init__(self, weights: Weights) -> None:
        """Make none yet."""
        self._weights = weights
        self._made: dict[tuple[str, int, int], Layer] = {}

    def start(self, channels: int) -> Layer:
        """Return the analysis's first layer for pictures of 1 or 3 channels."""
        return self._layer("analysis.head", channels, 1)

    def linear_path(self, channels: int) -> Layer:
        """Return the analysis's linear path for pictures of 1 or 3 channels."""
        return self._layer("analysis.linear", channels, 1)

    def linear_end(self, channels: int, reduction: int = 1) -> Layer:
        """Return the synthesis's linear path, (M, (16 / reduction)²·channels)."""
        return self._layer("synthesis.linear", channels, reduction)

    def tail(self, channels: int, reduction: int) -> Layer:
        """Return the last layer of the synthesis's network, (inputs, (4 / reduction)²·channels)."""
        return self._layer("synthesis.tail", channels, reduction)

    def _layer(self, name: str, channels: int, reduction: int) -> Layer:
        key = name, channels, reduction
        if key not in self._made:
            weight, bias = stored_floats(self._weights.tensors, (f"{name}.weight", f"{name}.bias"))
            if name == "analysis.head":
                self._made[key] = analysis_start(weight, channels), bias
            elif name == "analysis.linear":
                self._made[key] = analysis_linear(weight, channels), bias
            else:
                self._made[key] = synthesis_end(weight, channels, reduction), synthesis_end(bias, channels, reduction)
        return self._made[key]


def stored_floats(tensors: Arrays, names: tuple[str, ...]) -> list[Floats]:
    """Return tensors of a weights file as float32; what eight bits hold is restored.

    Raises:
        ModelError: a tensor is missing or not finite, or its steps do not fit it.
    """
    wanted = {key: tensors[key] for name in names for key in (name, name + STEP) if key in tensors}
    try:
        found = restored(wanted)
        if any(found[name].dtype.kind != "f" for name in names):
            raise ValueError
        arrays = [np.ascontiguousarray(found[name], np.float32) for name in names]
    except (KeyError, ValueError):
        raise ModelError("the model's tensors do not fit its configuration") from None
    for name, array in zip(names, arrays, strict=True):
        if not np.isfinite(array).all():
            raise ModelError(f"the model's tensor {name!r} is not finite")
    return arrays


def product(inputs: Floats, layer: Layer) -> Floats:
    """Apply a layer to (positions, inputs)."""
    out: Floats = inputs @ layer[0]
    out += layer[1]
    return out


def patches(pixels: Levels) -> Floats:
    """Return interleaved patches of 8×8 pixels, (rows, columns, 8²·C), samples / 255 − 1/2."""
    rows, cols, channels = pixels.shape[0] // PATCH, pixels.shape[1] // PATCH, pixels.shape[2]
    x = pixels.reshape(rows, PATCH, cols, channels * PATCH).transpose(0, 2, 1, 3).astype(np.float32)
    x *= 1 / 255
    x -= 0.5
    return x.reshape(rows, cols, -1)


def joined(x: Floats) -> Floats:
    """Join 2×2 patches: (2·rows, 2·columns, inputs) to (rows · columns, 4·inputs)."""
    rows, cols, inputs = x.shape
    return x.reshape(rows // 2, 2, cols // 2, 2, inputs).transpose(0, 2, 1, 3, 4).reshape(-1, 4 * inputs)


def positions(planes: Floats) -> Floats:
    """Return (C, rows, columns) as (rows · columns, C)."""
    return planes.reshape(len(planes), -1).T


def planes_of(rows_of_channels: Floats, rows: int, cols: int) -> Floats:
    """Return (rows · columns, C) as (C, rows, columns)."""
    return rows_of_channels.T.reshape(-1, rows, cols)
