"""The exact path: table indices from ẑ in integer arithmetic, identical on every machine (SPEC section 5.3).

All weights, activations and biases are integers, stored in float64. When the model is loaded,
Σ|w|·max|a| + |bias| < 2⁵³ is checked for every output. Therefore every partial sum is exact, and neither the order of
summation nor fused operations nor the number of threads can change the result. The path always runs on the CPU.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError
from aez.bitstream.sizes import ceil_div
from aez.codec.geometry.windows import Window
from aez.codec.model.scales import LEVELS
from aez.codec.threads import each, single_products, threads

ACTIVATION_MAX = 2**24 - 1
EXACT_BOUND = 2**53
_CHUNK_CELLS = 1024
_UPSAMPLING = 4
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class ExactScales:
    """Integer weights of the scale path.

    Attributes:
        conv1: (H, Z) int16.
        bias1: (H,) int64.
        conv2: (H, 9·H) int16; columns are in the order of ``unfold``: input channel, kernel row, kernel column.
        bias2: (H,) int64.
        conv3: (16·M, H) int16.
        linear: (16·M, Z) int16.
        bias3: (16·M,) int64, including the half that turns a floor into rounding.
        quality_bias: (points, M) int64, bias of each quality point.
        shifts: right shift after conv1, right shift after conv2, left shift of the linear part, and final right shift.
        hyper_bound: largest |ẑ| that a table can represent.
    """

    conv1: NDArray[np.int16]
    bias1: NDArray[np.int64]
    conv2: NDArray[np.int16]
    bias2: NDArray[np.int64]
    conv3: NDArray[np.int16]
    linear: NDArray[np.int16]
    bias3: NDArray[np.int64]
    quality_bias: NDArray[np.int64]
    shifts: tuple[int, int, int, int]
    hyper_bound: int

    def __post_init__(self) -> None:
        """Check the shapes and the bound below which float64 is exact.

        Raises:
            ModelError: a shape does not fit or an output could reach 2⁵³.
        """
        hidden, hyper = self.conv1.shape
        outputs = self.conv3.shape[0]
        expected = {
            "bias1": (hidden,),
            "conv2": (hidden, 9 * hidden),
            "bias2": (hidden,),
            "conv3": (outputs, hidden),
            "linear": (outputs, hyper),
            "bias3": (outputs,),
        }
        if any(tuple(getattr(self, name).shape) != shape for name, shape in expected.items()):
            raise ModelError("the model's exact path has layers of the wrong shape")
        if any(getattr(self, name).dtype != np.int16 for name in ("conv1", "conv2", "conv3", "linear")):
            raise ModelError("the model's exact path has weights that are not 16-bit integers")
        for bias in (self.bias1, self.bias2, self.bias3, self.quality_bias):
            if bias.dtype != np.int64 or int(bias.max()) >= EXACT_BOUND or int(bias.min()) <= -EXACT_BOUND:
                raise ModelError("the model's exact path could leave the range in which it is exact")
        if outputs != self.quality_bias.shape[1] * _UPSAMPLING**2 or not all(0 <= s <= 40 for s in self.shifts):
            raise ModelError("the model's exact path has a shape or shift out of range")
        quality = int(np.abs(self.quality_bias).max()) * 256
        reach = [
            _reach(self.conv1, self.hyper_bound, self.bias1),
            _reach(self.conv2, ACTIVATION_MAX, self.bias2),
            _reach(self.conv3, ACTIVATION_MAX, self.bias3)
            + (_reach(self.linear, self.hyper_bound, np.zeros(1, np.int64)) << self.shifts[2])
            + quality,
        ]
        if max(reach) >= EXACT_BOUND:
            raise ModelError("the model's exact path could leave the range in which it is exact")

    @cached_property
    def _weights(self) -> tuple[Doubles, Doubles, Doubles]:
        """Layers in float64, each scaled by its right shift (exact: a power of two). The last two are side by side."""
        s1, s2, left, s3 = self.shifts
        last = np.concatenate([self.conv3.astype(np.float64), _scaled(self.linear, left)], 1)
        return _scaled(self.conv1, -s1), _scaled(self.conv2, -s2), _scaled(last, -s3)

    @cached_property
    def _biases(self) -> tuple[Doubles, Doubles]:
        """Biases of the first two layers as columns, scaled like their weights."""
        first, second = self.bias1 * 2.0 ** -self.shifts[0], self.bias2 * 2.0 ** -self.shifts[1]
        return first[:, None], second[:, None]

    def bias_at(self, position: int) -> NDArray[np.int64]:
        """Return the bias at a quality position (quality point × 256), interpolated in integers: (M,) int64."""
        point, fraction = divmod(position, 256)
        point, fraction = (point, fraction) if point < len(self.quality_bias) - 1 else (point - 1, 256)
        low, high = self.quality_bias[point], self.quality_bias[point + 1]
        bias: NDArray[np.int64] = (low * (256 - fraction) + high * fraction) >> 8
        return bias

    def indices(self, z: NDArray[np.int16], position: int, window: Window | None = None) -> NDArray[np.uint8]:
        """Compute the table index of each element of y, or of each element in a window.

        Args:
            z: (Z, h, w) of the whole picture; |z| is at most ``hyper_bound``.
            position: quality position.
            window: window of cells, or None for all. The work is proportional to the size of the window.

        Returns:
            (M, 4·h, 4·w) uint8 in 0 … 63; h and w are those of the window if one is given.
        """
        with single_products():
            return self._indices(z, position, window or Window(0, z.shape[1], 0, z.shape[2]))

    def _indices(self, z: NDArray[np.int16], position: int, core: Window) -> NDArray[np.uint8]:
        outer = core.grown(1, *z.shape[1:])
        z = np.ascontiguousarray(z[outer.index])
        conv1, _, last = self._weights
        hyper, rows, cols = z.shape
        cells = z.reshape(hyper, -1).astype(np.float64)
        first = _activate(conv1 @ cells + self._biases[0])
        inputs = np.concatenate([self._second_layer(first.reshape(-1, rows, cols)), cells])
        inputs = inputs.reshape(-1, rows, cols)[core.index_in(outer)]
        rows, cols = core.shape
        inputs = inputs.reshape(-1, rows * cols)
        m = self.quality_bias.shape[1]
        bias = (self.bias3 + self.bias_at(position).repeat(_UPSAMPLING**2))[:, None] * 2.0 ** -self.shifts[3]
        out = np.empty((m * _UPSAMPLING**2, rows * cols), np.uint8)
        step = max(1, min(_CHUNK_CELLS, ceil_div(rows * cols, threads())))

        def one(start: int) -> None:
            # Clipped to at least 0, the conversion to an integer is a floor.
            total = last @ inputs[:, start : start + step]
            total += bias
            out[:, start : start + step] = np.clip(total, 0, LEVELS - 1, out=total)

        each(one, range(0, rows * cols, step))
        shuffled = out.reshape(m, _UPSAMPLING, _UPSAMPLING, rows, cols).transpose(0, 3, 1, 4, 2)
        return shuffled.reshape(m, _UPSAMPLING * rows, _UPSAMPLING * cols)

    def _second_layer(self, hidden: Doubles) -> Doubles:
        """Apply the 3×3 layer, (H, rows, columns) to (H, rows·columns), in bands: its unfolded input is large."""
        _, rows, cols = hidden.shape
        padded = np.pad(hidden, ((0, 0), (1, 1), (1, 1)))
        step = max(1, _CHUNK_CELLS // cols)
        bands = []
        for start in range(0, rows, step):
            band = padded[:, start : min(start + step, rows) + 2]
            part = sliding_window_view(band, (1, 3, 3))[:, :, :, 0]
            patches = part.transpose(0, 3, 4, 1, 2).reshape(self.conv2.shape[1], -1)
            bands.append(_activate(self._weights[1] @ patches + self._biases[1]))
        return np.concatenate(bands, 1)


def _activate(total: Doubles) -> Doubles:
    """Apply in place a floor, ReLU and the clamp that keeps the next layer exact."""
    np.clip(total, 0, ACTIVATION_MAX, out=total)
    return np.floor(total, out=total)


def _scaled(weight: NDArray[np.int16] | Doubles, power: int) -> Doubles:
    """Return a layer times a power of two, which is exact, in float64.

    In two steps: where memory is short, NumPy's product of two types does not raise an error but ends the process.
    """
    out: Doubles = weight.astype(np.float64)
    out *= 2.0**power
    return out


def _reach(weight: NDArray[np.int16], activation: int, bias: NDArray[np.int64]) -> int:
    """Return the largest |output| of a layer: the maximum over outputs of Σ|w|·max|a| + |bias|."""
    return int((np.abs(weight.astype(np.int64)).sum(1) * activation + np.abs(bias)).max())
