"""The networks of a member that compresses on the CPU, without torch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.escapes import MAX_MAGNITUDE
from aez.codec.family.code import Code
from aez.codec.family.weightfile import FamilyWeights
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.picture.depth import Levels, Samples
from aez.codec.runtime.light.sessions import Sessions
from aez.codec.runtime.networks import Floats


class LightCodeNetworks:
    """Encoder and decoder by ONNX Runtime; see :class:`aez.codec.family.code_networks.CodeNetworks`."""

    runtime, device = "light", "cpu"

    def __init__(self, weights: FamilyWeights, code: Code) -> None:
        """Load nothing yet.

        Args:
            weights: a model with graphs.
            code: its code.
        """
        self._code = code
        self._sessions = Sessions(weights.tensors)

    def encode(self, pixels: Levels, position: int) -> NDArray[np.int16]:
        """See :class:`aez.codec.family.code_networks.CodeNetworks`."""
        x = pixels.transpose(2, 0, 1).astype(np.float32) / 255 - 0.5
        shape = self._code.channels, *self._code.sides(*x.shape[1:])
        code = self._run("encode", shape, position, x=np.broadcast_to(x, (3, *x.shape[1:])))
        out: NDArray[np.int16] = np.rint(code.clip(-MAX_MAGNITUDE, MAX_MAGNITUDE)).astype(np.int16)
        return out

    def decode(self, code: NDArray[np.int16], position: int, channels: int, depth: int) -> Samples:
        """See :class:`aez.codec.family.code_networks.CodeNetworks`."""
        stride = self._code.grid.stride
        shape = 3, code.shape[1] * stride, code.shape[2] * stride
        x = self._run("decode", shape, position, code=code)
        x = x.mean(0, keepdims=True) if channels == 1 else x
        x += 0.5
        top = (1 << depth) - 1
        x *= top
        out: Samples = np.rint(x, out=x).clip(0, top).transpose(1, 2, 0).astype(np.uint8 if depth == 8 else np.uint16)
        return out

    def _run(self, graph: str, shape: tuple[int, ...], position: int, **inputs: NDArray[Any]) -> Floats:
        """Run a graph at a quality position."""
        at = np.array(position / POSITION_SCALE, np.float32)
        return self._sessions.run(graph, (shape,), **inputs, position=at)[0]
