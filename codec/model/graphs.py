"""The graphs in a weights file: ONNX without weights (SPEC section 8)."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError

PREFIX = "graphs."
"""Beginning of the names of tensors that hold graphs."""
_MAX_BYTES = 2**22


@dataclass(frozen=True)
class Graph:
    """A network's operations.

    Attributes:
        weights: names of the tensors of the weights file that are the graph's initialisers.
        onnx: a serialised ONNX model whose initialisers of these names are external.
    """

    weights: tuple[str, ...]
    onnx: bytes

    def packed(self) -> NDArray[np.uint8]:
        """Return the tensor that holds the graph: the names, a zero byte and the model, as one zlib stream."""
        return np.frombuffer(zlib.compress("\n".join(self.weights).encode() + b"\0" + self.onnx, 9), np.uint8)

    @classmethod
    def unpacked(cls, tensor: NDArray[np.uint8]) -> "Graph":
        """Invert :meth:`packed`.

        Raises:
            ModelError: the tensor is damaged, or holds more than 4 MB.
        """
        stream = zlib.decompressobj()
        try:
            if tensor.dtype != np.uint8:
                raise ValueError
            data = stream.decompress(tensor.tobytes(), _MAX_BYTES)
            names, mark, model = data.partition(b"\0")
            if not stream.eof or not mark:
                raise ValueError
            return cls(tuple(names.decode().split("\n")), model)
        except (zlib.error, ValueError):
            raise ModelError("the model has a damaged graph") from None
