"""The picture filter: an adaptive filter over the decoded picture.

The synthesis works on squares of 4×4 pixels. The filter restores dependencies between neighbours in different squares
and colours, which vary from picture to picture. It is an adaptive loop filter (Tsai et al., IEEE JSTSP 2013; directions
and limits as in that of VVC, Karczewicz et al., IEEE TCSVT 2021) outside of the loop. Each sample is corrected by a
weighted sum of differences between its neighbours in all colours and the pixel itself. The weights are interpolated
between ``NODES`` levels of local activity. The model has weights that are good on average; a file may hold differences
from them (SPEC section 7.6).

The same code computes on NumPy arrays and on torch tensors of any device. Operations work in place where they can,
because the filter is bound by memory.
"""

import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from aez.codec.model.filter_weights import AXES, NODES, Moments, input_count
from aez.codec.runtime.networks import Array

LIMIT = 10.0
"""Largest magnitude of a limited difference to a neighbour, in levels."""
REACH = 2
"""Pixels that the filter sees on each side."""
EVERY = 2
"""Distance in rows between the rows that :func:`strip_moments` counts."""
_FLAT = 2.7
"""Constant added to the change along an axis, so that noise gives a flat area no direction."""


class Neighbourhood:
    """The filter inputs at the pixels of some rows.

    Attributes:
        inputs: (:func:`input_count`, rows, columns) float32. For each pair of axes, there are two mixtures of the
            second differences of the grey picture along these axes: the first mixture favours the axis with less
            change, the second one the other axis. For each channel, the sum of the limited differences to the 12
            neighbours follows. For red and blue, the sums of the differences to the 4 nearest neighbours, not limited,
            come last.
        place: (rows, columns) float32, 0 … NODES − 1, where a pixel's activity lies among the nodes.
        turn: for each pair of axes, the share of the second axis in the first mixture, (rows, columns) float32.
    """

    def __init__(self, planes: Array) -> None:
        """Compute the filter inputs.

        Args:
            planes: (C, rows + 2 · REACH, columns + 2 · REACH) float32, levels 0 … 255.
        """
        self._xp = xp = _module_of(planes)
        channels, rows, cols = planes.shape[0], planes.shape[1] - 2 * REACH, planes.shape[2] - 2 * REACH
        self.inputs = _empty(planes, (input_count(channels), rows, cols))
        self.inputs[len(AXES) :] = 0
        self.turn, activity = self._grey(planes.mean(0) if channels > 1 else planes[0])
        own = self.inputs[len(AXES) : len(AXES) + channels]
        for number, axis in enumerate(AXES):
            step = steps(planes, axis)
            if number < 2 and channels == 3:
                here, before = ends(step[::2], axis)
                self.inputs[-2:] += here
                self.inputs[-2:] -= before
            xp.clip(step, -LIMIT, LIMIT, out=step)
            here, before = ends(step, axis)
            own += here
            own -= before
        activity *= 1 / 36
        xp.log1p(activity, out=activity)
        activity *= 1 / math.log(2)
        activity -= 0.5
        self.place = xp.clip(activity, 0, NODES - 1, out=activity)

    def share(self, node: int) -> Array:
        """Return the interpolation weight of a node at each pixel, (rows, columns); those of a pixel sum to 1."""
        share = self.place - node
        self._xp.abs(share, out=share)
        share *= -1
        share += 1
        return self._xp.clip(share, 0, 1, out=share)

    @property
    def shares(self) -> Array:
        """The interpolation weights of all nodes, (NODES, rows, columns)."""
        return self._xp.stack([self.share(node) for node in range(NODES)])

    def _grey(self, grey: Array) -> tuple[list[Array], Array]:
        """Fill in the inputs from the grey picture; return ``turn`` and 36 times the activity."""
        xp, changes = self._xp, []
        for number, axis in enumerate(AXES):
            near = max(axis) == 1
            here, before = ends(steps(grey, axis, int(near)), axis)
            middle = slice(1, -1) if near else slice(None)
            xp.subtract(here[middle, middle], before[middle, middle], out=self.inputs[number])
            if near:
                change = abs(here)
                change += abs(before)
                rows = change[:-2] + change[1:-1]
                rows += change[2:]
                change = rows[:, :-2] + rows[:, 1:-1]
                change += rows[:, 2:]
                changes.append(change)
        activity = changes[0] + changes[1]
        for change in changes:
            change += _FLAT
            change *= change
        turn = [first / (first + second) for first, second in zip(changes[::2], changes[1::2], strict=True)]
        turn.append(turn[0])
        for share, first, second in zip(turn, self.inputs[::2], self.inputs[1 : len(AXES) : 2], strict=False):
            moved = second - first
            moved *= share
            first += moved
            second -= moved
        return turn, activity


def _module_of(array: Array) -> Any:
    """Return the module of an array's functions, ``numpy`` or ``torch``."""
    return np if isinstance(array, np.ndarray) else sys.modules["torch"]


def _empty(like: Array, shape: tuple[int, ...]) -> Array:
    """Return an array of the same kind, dtype and device, not filled."""
    return np.empty(shape, like.dtype) if isinstance(like, np.ndarray) else like.new_empty(shape)


def _zeros(like: Array, shape: tuple[int, ...]) -> Array:
    """Return an array of the same kind, dtype and device, filled with zeros."""
    return np.zeros(shape, like.dtype) if isinstance(like, np.ndarray) else like.new_zeros(shape)


def steps(planes: Array, axis: tuple[int, int], margin: int = 0) -> Array:
    """Compute the differences from each pixel to the next along an axis, as far as they involve inner pixels.

    Args:
        planes: (…, H, W), inner pixels with ``REACH`` pixels around them.
        axis: one of ``AXES``.
        margin: width of the surrounding pixels that also count as inner pixels.

    Returns:
        (…, rows, columns); the size depends on the axis.
    """
    (down, across), edge = axis, REACH - margin
    height, width = planes.shape[-2:]
    left, right = edge - max(across, 0), width - edge - min(across, 0)
    there = planes[..., edge : height - edge + down, left + across : right + across]
    return there - planes[..., edge - down : height - edge, left:right]


def ends(step: Array, axis: tuple[int, int]) -> tuple[Array, Array]:
    """Select, from the differences of :func:`steps`, those that begin and those that end at each inner pixel."""
    down, across = axis
    rows, cols = step.shape[-2] - down, step.shape[-1] - abs(across)
    left = max(across, 0)
    here = step[..., down:, left : left + cols]
    return here, step[..., :rows, abs(across) - left : abs(across) - left + cols]


def strips(height: int, width: int, pixels: int) -> Iterator[slice]:
    """Divide rows into strips of about so many pixels, whose intermediate arrays fit a cache.

    Strips have even numbers of rows, so that :func:`strip_moments` counts the same rows whatever their size.
    """
    rows = max(EVERY, pixels // width // EVERY * EVERY)
    for top in range(0, height, rows):
        yield slice(top, min(height, top + rows))


def padded_rows(planes: Array, rows: slice) -> Array:
    """Return the rows of padded planes, (C, H + 2 · REACH, W + 2 · REACH), that the filter sees at some rows."""
    return planes[:, rows.start : rows.stop + 2 * REACH]


def weight_matrix(weights: Array) -> Array:
    """Arrange weights in the shape of :func:`~aez.codec.model.filter_weights.weight_shape` for :func:`filter_strip`."""
    return weights.swapaxes(0, 1).reshape(NODES * weights.shape[0], -1)


def filter_strip(planes: Array, matrix: Array) -> Array:
    """Filter some rows of a decoded picture.

    Args:
        planes: result of :func:`padded_rows`, float32, 0 … 255.
        matrix: result of :func:`weight_matrix`, float32: a single product computes all nodes and channels.

    Returns:
        (rows, columns, C) float32, 0 … 255, not rounded.
    """
    xp, seen, channels = _module_of(planes), Neighbourhood(planes), planes.shape[0]
    size = seen.inputs.shape[1:]
    change = planes[:, REACH:-REACH, REACH:-REACH] + 0  # a copy
    for node, part in enumerate((matrix @ seen.inputs.reshape(len(seen.inputs), -1)).reshape(NODES, channels, *size)):
        part *= seen.share(node)
        change += part
    return xp.moveaxis(xp.clip(change, 0, 255, out=change), 0, 2)


def strip_moments(planes: Array, columns: slice, first: int, original: Array) -> list[Any]:
    """Return sums of some rows that are needed to fit the filter, over every second row.

    Args:
        planes: result of :func:`padded_rows`, float32, 0 … 255.
        columns: columns of the original in the strip.
        first: row of the strip in which the original's first row is.
        original: (rows, columns, C) float32.

    Returns:
        Sums of the products of inputs, of inputs and error, of the squared error; and the number of pixels.
    """
    xp, seen = _module_of(planes), Neighbourhood(planes)
    own = slice(first, first + original.shape[0], EVERY)
    inputs, place = seen.inputs[:, own, columns], seen.place[own, columns]
    wanted, shown = xp.moveaxis(original[::EVERY], 2, 0), planes[:, REACH:-REACH, REACH:-REACH][:, own, columns]
    # What is beyond the range where the original is at its end will be clipped to the original: no error.
    right = ((wanted <= 0) & (shown < 0)) | ((wanted >= 255) & (shown > 255))
    missing = (wanted - shown) * ~right
    size, channels = len(inputs), len(missing)
    square, product = _zeros(inputs, (NODES, size, NODES, size)), _zeros(inputs, (NODES, size, channels))
    for node in range(NODES - 1):
        # Pixels between two nodes have shares in these alone.
        here = (place >= node) & (place < node + 1) if node < NODES - 2 else place >= node
        part, share, lacks = inputs[:, here], place[here] - node, missing[:, here]
        both = xp.concatenate([part * (1 - share), part * share])
        square[node : node + 2, :, node : node + 2] += (both @ both.T).reshape(2, size, 2, size)
        product[node : node + 2] += (both @ lacks.T).reshape(2, size, channels)
    total = NODES * size
    error = (missing * missing).sum(dtype=xp.float64)
    return [square.reshape(total, total), product.reshape(total, channels), error, place.shape[0] * place.shape[1]]


def overlaps(parts: Iterable[slice], top: int, rows: int) -> Iterator[tuple[slice, slice]]:
    """Yield the strips that share rows with an original, and these rows in the original.

    Args:
        parts: strips of the levels.
        top: row of the original's first row in the levels.
        rows: rows of the original.
    """
    for part in parts:
        first, last = max(part.start, top), min(part.stop, top + rows)
        if first < last:
            yield part, slice(first - top, last - top)


def seen_window(shape: tuple[int, int], top: int, left: int, size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of levels that the filter sees at an original's pixels."""
    return (
        slice(max(0, top - REACH), min(shape[0], top + size[0] + REACH)),
        slice(max(0, left - REACH), min(shape[1], left + size[1] + REACH)),
    )


def add_moments(total: Moments, part: list[Any]) -> None:
    """Add the sums of :func:`strip_moments`, as NumPy arrays or numbers, to those of other strips."""
    total.square += part[0]
    total.product += part[1]
    total.error += float(part[2])
    total.pixels += part[3]
