"""Weights of the picture filter: a model's own, a file's differences from them, and an encoder's choice of those."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream import FormatError
from aez.bitstream.entropy import decode_residual, encode_residual
from aez.bitstream.tables import TableSet
from aez.codec.model.scales import LEVELS
from aez.codec.model.weightfile import Weights
from aez.codec.networks.quality import POSITION_SCALE, lambda_of
from aez.codec.runtime.picture_filter import AXES, Moments, input_count, weight_shape

_TABLES = range(0, 24, 3)
"""Tables tried for the differences, above the first coded one: σ from about 1/4 to 4."""
_SWEEPS = 5
_MAX_SYMBOL = 60
_OVERHEAD_BITS = 8 * 8
"""What a payload adds to an empty chunk: checksum, table, the stream's escapes and incomplete word."""


class FilterWeights:
    """What a model says of the filter at a quality.

    Attributes:
        mean: (n, C) float64, the model's own weights; n of an output channel in the order node, input.
        step: (n, 1) float64, units of a file's differences.
        tables: what those are coded with.
    """

    def __init__(self, weights: Weights, position: int, channels: int) -> None:
        """Interpolate the model's weights, for colour pictures (3 channels) or grey ones (1).

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
        self._distortion = float(lambda_of(torch.tensor(position / POSITION_SCALE), weights.config.points))
        self._distortion /= 255**2 * channels

    def parse(self, payload: bytes) -> Tensor:
        """Weights of a FILTER chunk, of :func:`~aez.codec.runtime.picture_filter.weight_shape`, float32.

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
        return torch.from_numpy(values.astype(np.float32)).reshape(weight_shape(self.channels))

    def payload(self, moments: Moments) -> bytes | None:
        """The FILTER chunk that is worth most, bits against squared error; None if the picture is better without."""
        plain = self._distortion * moments.gain(self.mean)
        own, symbols, table = self._chosen(moments)
        if own > max(0.0, plain):
            indices = np.full(symbols.shape, table, np.uint8)
            return bytes([table]) + encode_residual(symbols, indices, self.tables, self.first_coded)
        return b"" if plain > 0 else None

    def _chosen(self, moments: Moments) -> tuple[float, NDArray[np.int16], int]:
        """Differences by coordinate descent for every table, from the best real values and from none.

        Returns:
            The bits that they are worth, the symbols (C, n), and their table.
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


class FilterFit:
    """The filter of one picture that is being encoded."""

    def __init__(self, weights: Weights, position: int, channels: int) -> None:
        """Nothing of the picture is known yet."""
        self._weights = FilterWeights(weights, position, channels)
        self.moments = Moments(channels)
        self._known: tuple[int, bytes | None] = 0, b""  # payload of so many pixels

    def fresh(self) -> "FilterFit":
        """Of the same model and quality, nothing counted."""
        other = copy.copy(self)
        other.moments, other._known = Moments(self._weights.channels), (0, b"")
        return other

    def include(self, other: "FilterFit") -> None:
        """Count the pixels of another part of the picture, too."""
        if not self.moments.pixels:
            self._known = other._known  # a picture of one window is fitted once
        self.moments.include(other.moments)

    def payload(self) -> bytes | None:
        """The FILTER chunk; the model's own filter, which is an empty one, if nothing was counted."""
        if self._known[0] != self.moments.pixels:
            self._known = self.moments.pixels, self._weights.payload(self.moments)
        return self._known[1]

    def weights(self) -> Tensor | None:
        """What a decoder makes of :meth:`payload`."""
        payload = self.payload()
        return None if payload is None else self._weights.parse(payload)


def _of_grey(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…, inputs) of three equal colours to (…, inputs) of one; the nearest neighbours' differences are two axes'."""
    axes, limited, nearest = np.split(weights, [len(AXES), len(AXES) + 3], -1)
    axes = axes + np.pad(
        nearest.sum(-1, keepdims=True).repeat(2, -1), [(0, 0)] * (axes.ndim - 1) + [(0, len(AXES) - 2)]
    )
    return np.concatenate([axes, limited.sum(-1, keepdims=True)], -1)


def _costs(tables: TableSet, numbers: list[int]) -> NDArray[np.float64]:
    """Bits of magnitudes 0 … ``_MAX_SYMBOL`` by some tables; of escapes, what is near enough."""
    costs, out = tables.cost_in_bits(), np.zeros((len(numbers), _MAX_SYMBOL + 1))
    for row, number in zip(out, numbers, strict=True):
        bound = min(int(tables.bounds[number]), _MAX_SYMBOL)
        centre = int(tables.bounds[number])
        row[: bound + 1] = costs[number][centre : centre + bound + 1]
        row[bound + 1 :] = costs[number][-1] + 2 * np.log2(np.arange(1, _MAX_SYMBOL - bound + 1)) + 2
    return out
