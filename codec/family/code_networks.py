"""Interface of the networks of a member that compresses, and the choice of what computes them."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aez.codec.family.code import Code
from aez.codec.family.weightfile import FamilyWeights
from aez.codec.picture.depth import Levels, Samples
from aez.codec.runtime.choice import chosen_runtime, require_torch


class CodeNetworks(Protocol):
    """The encoder and the decoder of one model on one device, in float32; safe to call from several threads.

    Quality positions are integers, quality point × 256. S is the stride of the code.

    Attributes:
        runtime: what computes: ``light`` or ``torch``.
        device: where: ``cpu``, ``cuda`` or ``mps``.
    """

    runtime: str
    device: str

    def encode(self, pixels: Levels, position: int) -> NDArray[np.int16]:
        """Encode (S·rows, S·columns, 3 or 1) levels to (C, rows, columns)."""

    def decode(self, code: NDArray[np.int16], position: int, channels: int, depth: int) -> Samples:
        """Decode (C, rows, columns) to (S·rows, S·columns, channels) samples, 0 … 2**depth − 1.

        1 channel is the mean of the colours.
        """


def code_networks(weights: FamilyWeights, code: Code, device: str, runtime: str) -> CodeNetworks:
    """Load the networks of a model.

    Args:
        weights: the model.
        code: its code.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        runtime: ``auto``, ``light`` or ``torch``, see :func:`aez.codec.runtime.choice.networks_for`.

    Raises:
        AezError: the device or the runtime is not there.
        ModelError: the tensors do not fit the sizes, or there are no graphs and torch is not there.
        ValueError: there is no such device or runtime.
    """
    if chosen_runtime(runtime, device, graphs=weights.has_graphs) == "light":
        from aez.codec.family.light_code import LightCodeNetworks

        return LightCodeNetworks(weights, code)
    require_torch("this")
    from aez.codec.family.torch_code import TorchCodeNetworks
    from aez.codec.runtime.torch.device import choose_device

    return TorchCodeNetworks(weights, choose_device(device))
