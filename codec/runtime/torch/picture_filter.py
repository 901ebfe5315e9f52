"""The picture filter: an adaptive filter over the decoded picture.

The synthesis works on squares of 4×4 pixels. The filter restores dependencies between neighbours in different squares
and colours, which vary from picture to picture. It is an adaptive loop filter (Tsai et al., IEEE JSTSP 2013; directions
and limits as in that of VVC, Karczewicz et al., IEEE TCSVT 2021) outside of the loop. Each sample is corrected by a
weighted sum of differences between its neighbours in all colours and the pixel itself. The weights are interpolated
between ``NODES`` levels of local activity. The model has weights that are good on average; a file may hold differences
from them (SPEC section 7.6).
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.model.filter_weights import AXES, NODES, Moments, input_count

LIMIT = 10.0
"""Largest magnitude of a limited difference to a neighbour, in levels."""
REACH = 2
"""Pixels that the filter sees on each side."""
EVERY = 2
"""Distance in rows between the rows that :func:`moments` counts."""
_FLAT = 2.7
"""Constant added to the change along an axis, so that noise gives a flat area no direction."""
_STRIP = 2**17


class Neighbourhood:
    """The filter inputs at the pixels of some rows.

    Attributes:
        inputs: (:func:`input_count`, rows, columns) float32. For each pair of axes, there are two mixtures of the
            second differences of the grey picture along these axes: the first mixture favours the axis with less
            change, the second one the other axis. For each channel, the sum of the limited differences to the 12
            neighbours follows. For red and blue, the sums of the differences to the 4 nearest neighbours, not limited,
            come last.
        shares: (NODES, rows, columns) float32, interpolation weight of each node; the weights of a pixel sum to 1.
        turn: for each pair of axes, the share of the second axis in the first mixture, (rows, columns) float32.
    """

    def __init__(self, planes: Tensor) -> None:
        """Compute the filter inputs.

        Args:
            planes: (C, rows + 2 · REACH, columns + 2 · REACH) float32, levels 0 … 255.
        """
        channels, rows, cols = planes.shape[0], planes.shape[1] - 2 * REACH, planes.shape[2] - 2 * REACH
        self.inputs = planes.new_zeros(input_count(channels), rows, cols)
        self.turn, activity = self._grey(planes.mean(0))
        own = self.inputs[len(AXES) : len(AXES) + channels]
        for number, axis in enumerate(AXES):
            step = steps(planes, axis)
            if number < 2 and channels == 3:
                here, before = ends(step[::2], axis)
                self.inputs[-2:].add_(here).sub_(before)
            here, before = ends(step.clamp_(-LIMIT, LIMIT), axis)
            own.add_(here).sub_(before)
        place = activity.mul_(1 / 36).log1p_().mul_(1 / math.log(2)).sub_(0.5).clamp_(0, NODES - 1)
        nodes = torch.arange(NODES, device=planes.device)[:, None, None]
        self.shares = (place - nodes).abs_().neg_().add_(1).clamp_(min=0)

    def _grey(self, grey: Tensor) -> tuple[list[Tensor], Tensor]:
        """Fill in the inputs from the grey picture; return ``turn`` and 36 times the activity."""
        changes = []
        for number, axis in enumerate(AXES):
            near = max(axis) == 1
            here, before = ends(steps(grey, axis, int(near)), axis)
            middle = slice(1, -1) if near else slice(None)
            torch.sub(here[middle, middle], before[middle, middle], out=self.inputs[number])
            if near:
                change = here.abs().add_(before.abs())
                change = change[:-2] + change[1:-1] + change[2:]
                changes.append((change[:, :-2] + change[:, 1:-1]).add_(change[:, 2:]))
        activity = changes[0] + changes[1]
        squares = [change.add_(_FLAT).square_() for change in changes]
        turn = [first / (first + second) for first, second in zip(squares[::2], squares[1::2], strict=True)]
        turn.append(turn[0])
        for share, first, second in zip(turn, self.inputs[::2], self.inputs[1 : len(AXES) : 2], strict=False):
            moved = (second - first).mul_(share)
            first.add_(moved)
            second.sub_(moved)
        return turn, activity


def steps(planes: Tensor, axis: tuple[int, int], margin: int = 0) -> Tensor:
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


def ends(step: Tensor, axis: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Select, from the differences of :func:`steps`, those that begin and those that end at each inner pixel."""
    down, across = axis
    rows, cols = step.shape[-2] - down, step.shape[-1] - abs(across)
    left = max(across, 0)
    here = step[..., down:, left : left + cols]
    return here, step[..., :rows, abs(across) - left : abs(across) - left + cols]


def _strips(levels: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield strips of rows of (H, W, C) with their padded planes, (C, rows + 4, W + 4); edge pixels are repeated."""
    planes = F.pad(levels.permute(2, 0, 1)[None], (REACH,) * 4, mode="replicate")[0]
    height, width = levels.shape[:2]
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        yield slice(top, bottom), planes[:, top : bottom + 2 * REACH].contiguous()


def filtered(levels: Tensor, weights: Tensor) -> Tensor:
    """Filter a decoded picture.

    Args:
        levels: (H, W, C) float32, 0 … 255.
        weights: float32, in the shape of :func:`~aez.codec.model.filter_weights.weight_shape`.

    Returns:
        (H, W, C) float32, 0 … 255, not rounded.
    """
    channels = levels.shape[2]
    # One row of weights per node and output channel: a single product computes all of them.
    matrix = weights.transpose(0, 1).reshape(NODES * channels, -1).to(levels.device)
    out = torch.empty_like(levels)
    for rows, planes in _strips(levels):
        seen = Neighbourhood(planes)
        parts = (matrix @ seen.inputs.flatten(1)).reshape(NODES, channels, *seen.shares.shape[1:])
        change = parts[0] * seen.shares[0]
        for part, share in zip(parts[1:], seen.shares[1:], strict=True):
            change.addcmul_(part, share)
        out[rows] = levels[rows] + change.permute(1, 2, 0)
    return out.clamp_(0, 255)


def moments(levels: Tensor, top: int, left: int, original: NDArray[np.uint8]) -> Moments:
    """Return the sums that are needed to fit the filter to an original, over every second row.

    Args:
        levels: (H, W, C) float32, 0 … 255, the decoded picture and its surroundings.
        top: row of the original's first pixel in ``levels``.
        left: column of that pixel.
        original: (h, w, C) uint8.
    """
    out = Moments(original.shape[2])
    bottom, right = top + original.shape[0], left + original.shape[1]
    around = slice(max(0, top - REACH), bottom + REACH), slice(max(0, left - REACH), right + REACH)
    levels = levels[around]
    top, left = top - around[0].start, left - around[1].start
    columns = slice(left, left + original.shape[1])
    for rows, planes in _strips(levels):
        first, last = max(rows.start, top), min(rows.stop, top + original.shape[0])
        if first >= last:
            continue
        own = slice(first - rows.start, last - rows.start, EVERY)
        seen = Neighbourhood(planes)
        weighted = seen.inputs[:, own, columns].flatten(1)
        inputs = torch.cat([weighted * share for share in seen.shares[:, own, columns].flatten(1)])
        target = torch.from_numpy(np.require(original[first - top : last - top : EVERY], requirements=["C", "W"]))
        missing = target.to(levels.device).float() - levels[first:last:EVERY, columns]
        missing = missing.permute(2, 0, 1).flatten(1)
        out.square += (inputs @ inputs.t()).double().cpu().numpy()
        out.product += (inputs @ missing.t()).double().cpu().numpy()
        out.error += float(missing.square().sum(dtype=torch.float64))
        out.pixels += missing.shape[1]
    return out
