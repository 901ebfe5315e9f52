"""Weights of the picture filter: the model's own, and the differences from them that a file may hold.

The filter corrects each sample by a weighted sum of differences between its neighbours in all colours and the pixel
itself. The weights are interpolated between ``NODES`` levels of activity (SPEC section 7.6).
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import FormatError
from aez.bitstream.entropy import decode_residual, encode_residual
from aez.bitstream.tables import TableSet
from aez.codec.model.scales import LEVELS

if TYPE_CHECKING:
    from aez.codec.model.weightfile import Weights

AXES = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
"""Offset (rows, columns) to one neighbour of each pair; the other neighbour is at the opposite offset."""
NODES = 5
"""Number of levels of activity a with separate weights: log₂(1 + a) = ½, 1½, …"""
FILTER_MARGIN = 1
"""Halo of the filter around a window, in latents; the filter sees 2 pixels on each side."""
_TABLES = range(0, 24, 3)
"""Tables to try for the differences, relative to the first coded one: σ from about 1/4 to 4."""
_SWEEPS = 5
_MAX_SYMBOL = 60
_OVERHEAD_BITS = 4 * 8
"""Bits that a payload adds to an empty chunk: table, and the escapes and incomplete word of the stream."""


def input_count(channels: int) -> int:
    """Return the number of filter inputs per pixel for pictures of 1 or 3 channels."""
    return len(AXES) + channels + (2 if channels == 3 else 0)


def weight_shape(channels: int) -> tuple[int, int, int]:
    """Return the shape of the weights for pictures of 1 or 3 channels: (output channels, nodes, inputs)."""
    return channels, NODES, input_count(channels)


class Moments:
    """Sums over pixels that determine the squared error for any filter weights.

    Attributes:
        square: (n, n) float64, sums of products of the n quantities that the weights of an output channel multiply.
        product: (n, C) float64, sums of products of these quantities with the error, original minus decoded.
        error: sum of the squared error.
        pixels: number of pixels.
    """

    def __init__(self, channels: int) -> None:
        """Start with no pixels, for pictures of 1 or 3 channels."""
        inputs = math.prod(weight_shape(channels)[1:])
        self.square, self.product = np.zeros((inputs, inputs)), np.zeros((inputs, channels))
        self.error, self.pixels = 0.0, 0

    def include(self, other: "Moments") -> None:
        """Add the sums over other pixels."""
        self.square += other.square
        self.product += other.product
        self.error += other.error
        self.pixels += other.pixels

    def gain(self, weights: NDArray[np.float64]) -> float:
        """Return the decrease of the squared error with weights (n, C), if no sample is clamped."""
        return float((weights * (2 * self.product - self.square @ weights)).sum())


class FilterWeights:
    """The filter weights of a model at one quality.

    Attributes:
        mean: (n, C) float64, the model's own weights; the n weights of an output channel are ordered by node and input.
        step: (n, 1) float64, units of the differences in a file.
        channels: 3 for colour pictures, 1 for grey ones.
        first_coded: lowest table that codes differences.
        tables: tables of r, which also code the differences.
    """

    def __init__(self, weights: "Weights", position: int, channels: int) -> None:
        """Interpolate the model's weights at a quality position, for colour pictures (3 channels) or grey ones (1).

        Raises:
            ModelError: the model has no filter.
        """
        mean, step = (weights.quality_row(f"filter.{name}", position) for name in ("mean", "step"))
        mean, step = mean.reshape(weight_shape(3)), step.reshape(weight_shape(3)[1:])
        if channels == 1:
            mean, step = _of_grey(mean).mean(0, keepdims=True), step[:, : input_count(1)]
        self.mean, self.step = mean.reshape(channels, -1).T, step.reshape(-1, 1)
        self.channels = channels
        self.first_coded, self.tables = weights.first_coded, weights.residual_tables
        self._distortion = weights.quality_scale.distortion_weight(position) / (255**2 * channels)

    def parse(self, payload: bytes) -> NDArray[np.float32]:
        """Return the weights that a FILTER chunk represents, in the shape of :func:`weight_shape`.

        Raises:
            FormatError: the payload is damaged.
        """
        symbols = np.zeros(self.mean.T.shape, np.int16)
        if payload:
            table = payload[0]
            if not self.first_coded <= table < LEVELS:
                raise FormatError(f"the filter names table {table}, which is not coded")
            indices = np.full(symbols.shape, table, np.uint8)
            symbols, _ = decode_residual(payload[1:], indices, self.tables, self.first_coded)
        values = self.mean.T + symbols * self.step.T
        return values.astype(np.float32).reshape(weight_shape(self.channels))

    def payload(self, moments: Moments) -> bytes | None:
        """Return the FILTER chunk of lowest rate plus distortion; None if the picture is better without a filter."""
        plain = self._distortion * moments.gain(self.mean)
        own, symbols, table = self._chosen(moments)
        if own > max(0.0, plain):
            indices = np.full(symbols.shape, table, np.uint8)
            return bytes([table]) + encode_residual(symbols, indices, self.tables, self.first_coded)
        return b"" if plain > 0 else None

    def _chosen(self, moments: Moments) -> tuple[float, NDArray[np.int16], int]:
        """Find differences by coordinate descent for each table, from the rounded optimum and from zeros.

        Returns:
            Gain of the best differences in bits, their symbols (C, n), and their table.
        """
        numbers = [self.first_coded + k for k in _TABLES if self.first_coded + k < LEVELS]
        cost = np.repeat(_costs(self.tables, numbers), 2, 0)
        square = self._distortion * moments.square * (self.step * self.step.T)
        slope = self._distortion * (moments.product - moments.square @ self.mean) * self.step
        ridge = np.eye(len(square)) * (1e-6 * np.trace(square) / len(square) + 1e-12)
        best = np.linalg.solve(square + ridge, slope)
        at = np.zeros((len(cost), *slope.shape))
        at[::2] = best.round().clip(-_MAX_SYMBOL, _MAX_SYMBOL)
        which = np.arange(len(cost))[:, None]
        diagonal = square.diagonal() + ridge[0, 0]
        for _ in range(_SWEEPS):
            before = at.copy()
            for row in range(len(square)):
                aim = slope[row] - square[row] @ at + diagonal[row] * at[:, row]
                low = np.floor(aim / diagonal[row])
                options = np.stack([low, low + 1, np.zeros_like(low)]).clip(-_MAX_SYMBOL, _MAX_SYMBOL)
                worth = diagonal[row] * options**2 - 2 * aim * options
                worth += cost[which, np.abs(options).astype(np.intp)]
                at[:, row] = np.take_along_axis(options, worth.argmin(0)[None], 0)[0]
            if (at == before).all():
                break
        bits = np.array([c[np.abs(s).astype(np.intp)].sum() for c, s in zip(cost, at, strict=True)]) + _OVERHEAD_BITS
        gains = [self._distortion * moments.gain(self.mean + s * self.step) for s in at]
        number = int((np.array(gains) - bits).argmax())
        return gains[number] - bits[number], at[number].T.astype(np.int16), numbers[number // 2]


def _of_grey(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert weights (…, inputs) for three equal colours to weights for one.

    In grey, the differences to the 4 nearest neighbours are the second differences along the first two axes.
    """
    axes, limited, nearest = np.split(weights, [len(AXES), len(AXES) + 3], -1)
    axes = axes + np.pad(
        nearest.sum(-1, keepdims=True).repeat(2, -1), [(0, 0)] * (axes.ndim - 1) + [(0, len(AXES) - 2)]
    )
    return np.concatenate([axes, limited.sum(-1, keepdims=True)], -1)


def _costs(tables: TableSet, numbers: list[int]) -> NDArray[np.float64]:
    """Return the bits of magnitudes 0 … ``_MAX_SYMBOL`` in the given tables; those of escapes are approximate."""
    costs, out = tables.cost_in_bits(), np.zeros((len(numbers), _MAX_SYMBOL + 1))
    for row, number in zip(out, numbers, strict=True):
        bound = min(int(tables.bounds[number]), _MAX_SYMBOL)
        centre = int(tables.bounds[number])
        row[: bound + 1] = costs[number][centre : centre + bound + 1]
        row[bound + 1 :] = costs[number][-1] + 2 * np.log2(np.arange(1, _MAX_SYMBOL - bound + 1)) + 2
    return out
