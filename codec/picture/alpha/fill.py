"""Fill wholly transparent pixels with a smooth continuation of the visible ones, which takes few bits."""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.sizes import ceil_div
from aez.codec.picture.depth import Samples

_BLOCK = 1024
"""Side of the blocks that are filled one by one, in pixels."""
_DEPTH = 6
"""Halvings of a block; coarser levels cover the whole picture."""
Floats = NDArray[np.float32]
Level = tuple[Floats, Floats]
"""Colour, (rows, columns, C), 0 where no pixel is visible, and visibility, (rows, columns, 1), 0 or 1."""


def filled(samples: Samples, alpha: NDArray[np.uint8]) -> Samples:
    """Replace the colour of wholly transparent pixels by a smooth continuation of the visible pixels.

    The method is pull–push. Visible samples are averaged over squares of growing size; then each hole is filled from
    the next coarser average. The picture is processed in blocks, so that memory is bounded.

    Args:
        samples: (H, W, 3) or (H, W).
        alpha: (H, W) uint8.
    """
    if alpha.all():
        return samples
    planes = samples if samples.ndim == 3 else samples[:, :, None]
    background = _background(planes, alpha)
    out = samples.copy()
    for rows, cols in _blocks(*alpha.shape):
        hidden = alpha[rows, cols] == 0
        if hidden.any():
            levels = _pyramid(planes[rows, cols], alpha[rows, cols])
            coarse = background[_cells(rows), _cells(cols)]
            smooth = np.rint(_filled_down(levels[:-1], coarse)).astype(samples.dtype)
            out[rows, cols][hidden] = smooth[hidden] if samples.ndim == 3 else smooth[hidden][:, 0]
    return out


def _background(planes: Samples, alpha: NDArray[np.uint8]) -> Floats:
    """Fill the whole picture at the coarsest level of the blocks, (rows, columns, C)."""
    height, width = alpha.shape
    step = 1 << _DEPTH
    coarse = np.zeros((ceil_div(height, step), ceil_div(width, step), planes.shape[2]), np.float32)
    seen = np.zeros((*coarse.shape[:2], 1), np.float32)
    for rows, cols in _blocks(height, width):
        at = _cells(rows), _cells(cols)
        coarse[at], seen[at] = _pyramid(planes[rows, cols], alpha[rows, cols])[-1]
    levels = [(coarse, seen)]
    while max(levels[-1][0].shape[:2]) > 1:
        levels.append(_coarser(*levels[-1]))
    return _filled_down(levels, levels[-1][0])


def _blocks(height: int, width: int) -> list[tuple[slice, slice]]:
    return [
        (slice(i, min(i + _BLOCK, height)), slice(j, min(j + _BLOCK, width)))
        for i in range(0, height, _BLOCK)
        for j in range(0, width, _BLOCK)
    ]


def _cells(pixels: slice) -> slice:
    """Scale a range of pixels to the coarsest level of the blocks."""
    step = 1 << _DEPTH
    return slice(pixels.start // step, ceil_div(pixels.stop, step))


def _pyramid(planes: Samples, alpha: NDArray[np.uint8]) -> list[Level]:
    """Build colour and visibility of a block, each level of half the size."""
    seen = (alpha > 0).astype(np.float32)[:, :, None]
    levels = [(planes.astype(np.float32) * seen, seen)]
    for _ in range(_DEPTH):
        levels.append(_coarser(*levels[-1]))
    return levels


def _coarser(colour: Floats, seen: Floats) -> Level:
    weight = _averaged(seen)
    visible = (weight > 0).astype(np.float32)
    return _averaged(colour) / np.maximum(weight, np.float32(1e-6)) * visible, visible


def _averaged(values: Floats) -> Floats:
    """Average squares of 2×2; the picture continues with zeros."""
    values = np.pad(values, ((0, values.shape[0] % 2), (0, values.shape[1] % 2), (0, 0)))
    pairs = values[:, ::2] + values[:, 1::2]
    average: Floats = (pairs[::2] + pairs[1::2]) / np.float32(4)
    return average


def _filled_down(levels: list[Level], coarse: Floats) -> Floats:
    """Fill the holes of each level from the level above, down from ``coarse``, which is above the coarsest level."""
    out = coarse
    for colour, seen in reversed(levels):
        rows, cols = colour.shape[:2]
        if out.shape != colour.shape:
            out = _doubled(_doubled(out, 0), 1)[:rows, :cols]
        out = np.where(seen > 0, colour, out)
    return out


def _doubled(values: Floats, axis: int) -> Floats:
    """Interpolate linearly to twice the size along an axis; the ends repeat."""
    values = np.moveaxis(values, axis, 0)
    before, after = np.concatenate([values[:1], values[:-1]]), np.concatenate([values[1:], values[-1:]])
    near, far = np.float32(0.75), np.float32(0.25)
    both = np.stack([far * before + near * values, near * values + far * after], 1)
    return np.moveaxis(both.reshape(-1, *values.shape[1:]), 0, axis)
