"""The float networks on the CPU without torch.

What only gradients give (:meth:`LightNetworks.synthesise_slope`, :meth:`LightNetworks.refine_hyper`) is computed by the
networks in torch, if it is installed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aez.codec.geometry.grid import CELL, LINEAR_FROM
from aez.codec.model.filter_weights import Moments
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.weightfile import Weights
from aez.codec.runtime.ends import FLAT_SIDE, OUTPUT_BOUND, QUARTER, STRIDE
from aez.codec.runtime.light.layers import EndLayers, joined, patches, planes_of, positions, product
from aez.codec.runtime.light.picture_filter import filtered, moments
from aez.codec.runtime.light.sessions import Sessions
from aez.codec.runtime.light.shapes import check_shapes
from aez.codec.runtime.networks import Array, Floats, Levels, Slope
from aez.codec.threads import each, shares

if TYPE_CHECKING:
    from aez.codec.runtime.torch.networks import TorchNetworks


_DECODING = ("context", "second_mean", "synthesis")
_ENCODING = ("analysis", "hyper_analysis", *_DECODING)
_STRIP = 384
"""Latents of a strip."""


@dataclass(frozen=True)
class LightContext:
    """The mean context of an area.

    Attributes:
        features: (C, rows, columns), features of z, from which both steps compute their means.
        first: (M, rows, columns), means of the first step.
        mask: (M, rows, columns), 1 for the elements of the first step, 0 for the others.
    """

    features: Floats
    first: Floats
    mask: Floats

    def part(self, rows: slice, columns: slice) -> "LightContext":
        """Return the context of a part of the area."""
        return LightContext(*(x[:, rows, columns] for x in (self.features, self.first, self.mask)))

    def inputs(self, r: NDArray[np.int16]) -> dict[str, NDArray[Any]]:
        """Return what the graphs of the second step take, from r of the area."""
        return {"features": self.features, "first": self.first, "mask": self.mask, "r": r}


class LightNetworks:
    """The networks of one model; see :class:`aez.codec.runtime.networks.Networks`. Arrays are NumPy's."""

    runtime, device, precision = "light", "cpu", "float32"

    def __init__(self, weights: Weights) -> None:
        """Load nothing yet.

        Args:
            weights: a validated model with graphs.

        Raises:
            ModelError: a tensor outside of the graphs does not fit the configuration.
        """
        check_shapes(weights)
        self.weights = weights
        self._sessions = Sessions(weights.tensors)
        self._config = weights.config
        self._ends = EndLayers(weights)
        self._last_flat: tuple[tuple[int, int], Floats] | None = None

    def prepare(self, *, encoding: bool) -> None:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        self._sessions.prepare(_ENCODING if encoding else _DECODING)

    def analyse(self, pixels: Levels, position: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        rows, cols, channels = pixels.shape[0] // STRIDE, pixels.shape[1] // STRIDE, pixels.shape[2]
        start, linear = self._ends.start(channels), self._ends.linear_path(channels)
        gain = np.exp(self._row("analysis.gain", position))
        h = np.empty((self._config.analysis, 2 * rows, 2 * cols), np.float32)
        y = np.empty((self._config.latent, rows, cols), np.float32)

        def one(strip: slice) -> None:
            x = patches(pixels[STRIDE * strip.start : STRIDE * strip.stop])
            first = product(x.reshape(-1, x.shape[2]), start)
            first *= gain
            h[:, 2 * strip.start : 2 * strip.stop] = planes_of(first, *x.shape[:2])
            y[:, strip] = planes_of(product(joined(x), linear), x.shape[0] // 2, cols)

        each(one, _strips(rows, cols))
        y += self._run("analysis", y.shape, h=h)
        y *= np.exp(self._row("encoder_gain", position))[:, None, None]
        return y

    def hyper_analyse(self, y: Floats) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return self._run("hyper_analysis", (self._config.hyper, y.shape[1] // CELL, y.shape[2] // CELL), y=y)

    def context(self, z: NDArray[np.int16], top: int, left: int) -> LightContext:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        channels, rows, cols = self._config.latent, CELL * z.shape[1], CELL * z.shape[2]
        shapes = (self._config.context, rows, cols), (channels, rows, cols)
        features, first = self._sessions.run("context", shapes, z=z)
        even = (np.arange(top, top + rows)[:, None] + np.arange(left, left + cols)) % 2 == 0
        mask = np.empty((channels, rows, cols), np.float32)
        mask[: channels // 2], mask[channels // 2 :] = even, ~even
        return LightContext(features, first, mask)

    def second_mean(self, context: LightContext, r: NDArray[np.int16]) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return self._second_mean(context, r)

    def _second_mean(self, context: LightContext, r: NDArray[np.int16]) -> Floats:
        return self._run("second_mean", r.shape, **context.inputs(r))

    def second_mean_slope(self, context: LightContext, r: NDArray[np.int16]) -> tuple[Floats, Slope]:
        """See :class:`aez.codec.runtime.networks.Networks`."""

        def slope(by_mean: Floats) -> Floats:
            return self._run("second_mean_slope", r.shape, **context.inputs(r), by_mean=by_mean)

        return self._second_mean(context, r), slope

    def reconstruct(
        self, context: LightContext, r: NDArray[np.int16], inside: tuple[slice, slice] | None = None
    ) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        y_hat = self._second_mean(context, r)
        y_hat += r
        return y_hat[None] if inside is None else y_hat[None, :, inside[0], inside[1]]

    def synthesise(self, y_hat: Floats, position: int, channels: int, reduction: int = 1) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        y = y_hat.reshape(-1, *y_hat.shape[-2:]) * self._output_gain(position)[:, None, None]
        (rows, cols), side = y.shape[1:], STRIDE // reduction
        linear = self._ends.linear_end(channels, reduction)
        detail = self._detail(y, position, channels, reduction)
        levels = np.empty((rows, side, cols, channels * side), np.float32)

        def one(strip: slice) -> None:
            x, added = product(positions(y[:, strip]), linear), detail(strip)
            parts = x.reshape(-1, cols, *added.shape[2:])
            parts += added
            np.clip(x, -OUTPUT_BOUND, OUTPUT_BOUND, out=x)
            x *= 255
            x += 127.5
            levels[strip] = x.reshape(-1, cols, side, channels * side).transpose(0, 2, 1, 3)

        each(one, _strips(rows, cols))
        return levels.reshape(side * rows, side * cols, channels)

    def _detail(self, y: Floats, position: int, channels: int, reduction: int) -> Callable[[slice], Floats]:
        """Return what gives the network's part of a strip: (rows, columns, squares, rows of each, squares, samples)."""
        cols, side = y.shape[2], STRIDE // reduction
        if reduction >= LINEAR_FROM:
            flat = np.tile(self._flat(position, channels), side).reshape(1, 1, 1, 1, 1, -1)
            return lambda _: np.broadcast_to(flat, (1, 1, 1, side, 1, side * channels))
        h, tail = self._hidden(y, position), self._ends.tail(channels, reduction)
        small = QUARTER // reduction

        def near(strip: slice) -> Floats:
            fine = product(positions(h[:, QUARTER * strip.start : QUARTER * strip.stop]), tail)
            return fine.reshape(-1, QUARTER, cols, QUARTER, small, channels * small).transpose(0, 2, 1, 4, 3, 5)

        return near

    def _hidden(self, y: Floats, position: int) -> Floats:
        """Return the input of the synthesis's last layer, (C, 4·h, 4·w)."""
        gain = np.exp(self._row("synthesis.gain", position))
        shape = self._config.synthesis4, QUARTER * y.shape[1], QUARTER * y.shape[2]
        return self._run("synthesis", shape, y=y, gain=gain[:, None, None])

    def _flat(self, position: int, channels: int) -> Floats:
        """Return the network's contribution where all latents are zero, (channels,): a few levels divided by 255."""
        key = position, channels
        last = self._last_flat  # read once, because other threads may replace it
        if last is None or last[0] != key:
            middle = QUARTER * FLAT_SIDE // 2
            hidden = self._hidden(np.zeros((self._config.latent, FLAT_SIDE, FLAT_SIDE), np.float32), position)
            inner = hidden[:, middle : middle + QUARTER, middle : middle + QUARTER]
            mean: Floats = product(positions(inner), self._ends.tail(channels, QUARTER)).mean(0)
            last = self._last_flat = key, mean
        return last[1]

    def synthesise_slope(self, y_hat: Floats, position: int, channels: int) -> tuple[Floats, Slope]:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        torch = self._torch
        levels, slope = torch.synthesise_slope(torch.tensor(y_hat), position, channels)
        return torch.host(levels), slope

    def filter(self, levels: Floats, weights: Floats) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return filtered(levels, weights)

    def filter_moments(self, levels: Floats, top: int, left: int, original: Levels) -> Moments:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return moments(levels, top, left, original)

    def average(self, levels: Floats, reduction: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        if reduction == 1:
            return levels
        rows, cols, channels = levels.shape
        squares = levels.reshape(rows // reduction, reduction, cols // reduction, reduction, channels)
        out: Floats = squares.mean((1, 3))
        return out

    def samples(self, levels: Floats, depth: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        if depth == 8:
            out: NDArray[np.uint8] = np.rint(levels).astype(np.uint8)
            return out
        deep: NDArray[np.uint16] = np.rint(levels * np.float32(((1 << depth) - 1) / 255)).astype(np.uint16)
        return deep

    def host(self, array: Array) -> NDArray[Any]:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        out: NDArray[Any] = array
        return out

    def project(self, errors: Floats, channels: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return _times(errors, self._ends.linear_end(channels)[0].T)

    def expand(self, change: Floats, position: int, channels: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return _times(change, self._ends.linear_end(channels)[0] * self._output_gain(position)[:, None])

    def newton_response(self, position: int, channels: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`.

        Grey pictures also use the curvature of colour pictures: in grey, chroma latents overlap with luma, and steps
        by their own small curvature would overshoot.
        """
        energy = np.square(self._ends.linear_end(3)[0]).sum(1) * np.float32(channels / 3)
        out: Floats = 1 / (energy * self._output_gain(position))
        return out

    def curvature(self, position: int, channels: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`.

        It is λ·255² times the squared error that a unit in one latent makes through the linear path of the synthesis,
        which is nearly all of its error.
        """
        energy = np.square(self._ends.linear_end(channels)[0]).sum(1) / np.float32(channels)
        weight = np.float32(self.weights.quality_scale.distortion_weight(position))
        out: Floats = weight * energy * np.square(self._output_gain(position))
        return out

    def refine_hyper(
        self, y: Floats, z: NDArray[np.int16], free: slice, point: OperatingPoint, steps: int
    ) -> NDArray[np.int16]:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return self._torch.refine_hyper(y, z, free, point, steps)

    @cached_property
    def _torch(self) -> "TorchNetworks":
        """The same networks in torch, for gradients."""
        from aez.codec.runtime.torch.device import choose_device, precision_for
        from aez.codec.runtime.torch.networks import TorchNetworks

        return TorchNetworks(self.weights, choose_device("cpu"), precision_for("float32", "cpu"))

    def _row(self, name: str, position: int) -> Floats:
        """Return the row of a quality table at a position, float32."""
        return self.weights.quality_row(f"{name}.rows", position).astype(np.float32)

    def _output_gain(self, position: int) -> Floats:
        """Return what ŷ is multiplied by before the synthesis, (M,)."""
        out: Floats = np.exp(self._row("decoder_gain", position) - self._row("encoder_gain", position))
        return out

    def _run(self, graph: str, shape: tuple[int, ...], **inputs: NDArray[Any]) -> Floats:
        """Run a graph of one output, of a given shape."""
        return self._sessions.run(graph, (shape,), **inputs)[0]


def _times(rows: Floats, matrix: Floats) -> Floats:
    """Multiply (n, inputs) by (inputs, outputs), shares of the rows in parallel."""
    out = np.empty((len(rows), matrix.shape[1]), np.float32)

    def one(part: slice) -> None:
        np.matmul(rows[part], matrix, out=out[part])

    each(one, shares(len(rows)))
    return out


def _strips(rows: int, cols: int) -> list[slice]:
    """Divide rows of latents into strips whose pixels fit a core's share of the cache."""
    step = max(1, _STRIP // cols)
    return [slice(top, min(rows, top + step)) for top in range(0, rows, step)]
