"""A filter over the decoded picture, whose weights depend on how busy a place is and are in part the picture's own.

The synthesis works on squares of 4×4 pixels; what its pixels owe to their neighbours in other squares and colours, and
differently in every picture, a small linear filter of the result gives back: an adaptive loop filter (Tsai et al., IEEE
JSTSP 2013) outside of the loop. A sample is changed by weighted differences between means of its neighbours in all
colours and the pixel itself; the weights are interpolated between ``NODES`` levels of activity. The model has weights
that are right on average; a file may hold differences from them (SPEC section 7.6).
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

ORBITS = (
    ((0, 1), (1, 0), (0, -1), (-1, 0)),
    ((1, 1), (1, -1), (-1, 1), (-1, -1)),
    ((0, 2), (2, 0), (0, -2), (-2, 0)),
)
"""Rows and columns of the neighbours that share a weight."""
NODES = 5
"""Levels of activity a, log₂(1 + a) = ½, 1½, … that have weights of their own."""
REACH = 2
"""Pixels that the filter sees to each side."""
MARGIN = 1
"""The same in latents."""
EVERY = 2
"""Rows from one to the next that :class:`Moments` counts."""
_STRIP = 2**15


def weight_shape(channels: int) -> tuple[int, int, int, int]:
    """(output channels, nodes, orbits, input channels) of pictures of so many channels."""
    return channels, NODES, len(ORBITS), channels


class Neighbourhood:
    """What the filter sees at the pixels of some rows.

    Attributes:
        differences: (orbits, C, rows, columns) float32: means of an orbit less the pixel.
        shares: (NODES, rows, columns) float32: how much each node counts; they sum to 1.
    """

    def __init__(self, planes: Tensor) -> None:
        """Look at (C, rows + 2 · REACH, columns + 2 · REACH) float32, levels 0 … 255."""
        rows, cols = planes.shape[1] - 2 * REACH, planes.shape[2] - 2 * REACH

        def shifted(row: int, column: int) -> Tensor:
            return planes[:, REACH + row : REACH + row + rows, REACH + column : REACH + column + cols]

        # Slices added up take an eighth of the time of a convolution with so few channels.
        self.differences = torch.stack(
            [sum((shifted(*place) for place in orbit[1:]), shifted(*orbit[0])) for orbit in ORBITS]
        )
        self.differences.mul_(1 / len(ORBITS[0])).sub_(shifted(0, 0))
        grey = planes.mean(0)
        down, across = grey.diff(dim=0).abs_(), grey.diff(dim=1).abs_()
        activity = down[:-1, 1:-1] + down[1:, 1:-1] + across[1:-1, :-1] + across[1:-1, 1:]
        activity = activity[:-2] + activity[1:-1] + activity[2:]
        activity = activity[:, :-2] + activity[:, 1:-1] + activity[:, 2:]
        place = activity.mul_(1 / 36).log1p_().mul_(1 / math.log(2)).sub_(0.5).clamp_(0, NODES - 1)
        nodes = torch.arange(NODES, device=planes.device)[:, None, None]
        self.shares = (place - nodes).abs_().neg_().add_(1).clamp_(min=0)


def _strips(levels: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Rows of (H, W, C) and their neighbourhood, (C, rows + 4, W + 4); the outermost pixels are repeated outside."""
    planes = F.pad(levels.permute(2, 0, 1)[None], (REACH,) * 4, mode="replicate")[0]
    height, width = levels.shape[:2]
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        yield slice(top, bottom), planes[:, top : bottom + 2 * REACH].contiguous()


def filtered(levels: Tensor, weights: Tensor) -> Tensor:
    """A decoded picture, filtered.

    Args:
        levels: (H, W, C) float32, 0 … 255.
        weights: of :func:`weight_shape`, float32.

    Returns:
        (H, W, C) float32, 0 … 255, not rounded.
    """
    channels = levels.shape[2]
    # Node by node and channel by channel, what comes out side by side.
    matrix = weights.transpose(0, 1).reshape(NODES * channels, -1).to(levels.device)
    out = torch.empty_like(levels)
    for rows, planes in _strips(levels):
        seen = Neighbourhood(planes)
        parts = (matrix @ seen.differences.flatten(2).flatten(0, 1)).reshape(NODES, channels, *seen.shares.shape[1:])
        change = parts[0] * seen.shares[0]
        for part, share in zip(parts[1:], seen.shares[1:], strict=True):
            change.addcmul_(part, share)
        out[rows] = levels[rows] + change.permute(1, 2, 0)
    return out.clamp_(0, 255)


class Moments:
    """Sums over pixels from which the squared error of every filter follows.

    Attributes:
        square: (n, n) float64, sums of products of what the n weights of an output channel multiply.
        product: (n, C) float64, sums of their products with what is missing, original less decoded.
        error: sum of squares of what is missing.
        pixels: how many.
    """

    def __init__(self, channels: int) -> None:
        """Of nothing yet."""
        inputs = NODES * len(ORBITS) * channels
        self.square, self.product = np.zeros((inputs, inputs)), np.zeros((inputs, channels))
        self.error, self.pixels = 0.0, 0

    def add(self, levels: Tensor, top: int, left: int, want: NDArray[np.uint8]) -> None:
        """Count every second row of ``want``, (h, w, C), whose place in ``levels``, (H, W, C) float32, is given."""
        bottom, right = top + want.shape[0], left + want.shape[1]
        around = slice(max(0, top - REACH), bottom + REACH), slice(max(0, left - REACH), right + REACH)
        levels = levels[around]
        top, left = top - around[0].start, left - around[1].start
        columns = slice(left, left + want.shape[1])
        for rows, planes in _strips(levels):
            first, last = max(rows.start, top), min(rows.stop, top + want.shape[0])
            if first >= last:
                continue
            own = slice(first - rows.start, last - rows.start, EVERY)
            seen = Neighbourhood(planes)
            differences = seen.differences[:, :, own, columns].flatten(2).flatten(0, 1)
            shares = seen.shares[:, own, columns].flatten(1)
            inputs = torch.cat([differences * share for share in shares])
            target = torch.from_numpy(np.ascontiguousarray(want[first - top : last - top : EVERY]))
            missing = target.to(levels.device).float() - levels[first:last:EVERY, columns]
            missing = missing.permute(2, 0, 1).flatten(1)
            self.square += (inputs @ inputs.t()).double().cpu().numpy()
            self.product += (inputs @ missing.t()).double().cpu().numpy()
            self.error += float(missing.square().sum(dtype=torch.float64))
            self.pixels += missing.shape[1]

    def include(self, other: "Moments") -> None:
        """Add the sums of other pixels."""
        self.square += other.square
        self.product += other.product
        self.error += other.error
        self.pixels += other.pixels

    def gain(self, weights: NDArray[np.float64]) -> float:
        """By how much the squared error falls with weights (n, C), if nothing is clamped."""
        return float((weights * (2 * self.product - self.square @ weights)).sum())
