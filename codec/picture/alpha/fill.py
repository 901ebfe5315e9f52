"""Fill wholly transparent pixels with a smooth continuation of the visible ones, which takes few bits."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

_BLOCK = 1024
"""Side of the blocks that are filled one by one, in pixels."""
_DEPTH = 6
"""Halvings of a block; coarser levels cover the whole picture."""
Level = tuple[torch.Tensor, torch.Tensor]
"""Colour (0 where no pixel is visible) and visibility (0 or 1) of a level of the pyramid."""


def filled(samples: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replace the colour of wholly transparent pixels by a smooth continuation of the visible pixels.

    The method is pull–push. Visible samples are averaged over squares of growing size; then each hole is filled from
    the next coarser average. The picture is processed in blocks, so that memory is bounded.

    Args:
        samples: (H, W, 3) or (H, W) uint8.
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
            coarse = background[..., _cells(rows), _cells(cols)]
            smooth = _filled_down(levels[:-1], coarse)[0].permute(1, 2, 0).round().to(torch.uint8).numpy()
            out[rows, cols][hidden] = smooth[hidden] if samples.ndim == 3 else smooth[hidden][:, 0]
    return out


def _background(planes: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> torch.Tensor:
    """Fill the whole picture at the coarsest level of the blocks, (1, C, rows, columns)."""
    height, width = alpha.shape
    step = 1 << _DEPTH
    coarse = torch.zeros(1, planes.shape[2], -(-height // step), -(-width // step))
    seen = torch.zeros(1, 1, *coarse.shape[2:])
    for rows, cols in _blocks(height, width):
        at = (..., _cells(rows), _cells(cols))
        coarse[at], seen[at] = _pyramid(planes[rows, cols], alpha[rows, cols])[-1]
    levels = [(coarse, seen)]
    while max(levels[-1][0].shape[2:]) > 1:
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
    return slice(pixels.start // step, -(-pixels.stop // step))


def _pyramid(planes: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> list[Level]:
    """Build colour (0 where nothing is visible) and visibility of a block, each level of half the size."""
    seen = torch.from_numpy((alpha > 0).astype(np.float32))[None, None]
    colour = torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None].float() * seen
    levels = [(colour, seen)]
    for _ in range(_DEPTH):
        levels.append(_coarser(*levels[-1]))
    return levels


def _coarser(colour: torch.Tensor, seen: torch.Tensor) -> Level:
    pad = (0, colour.shape[3] % 2, 0, colour.shape[2] % 2)
    weight = F.avg_pool2d(F.pad(seen, pad), 2)
    mean = F.avg_pool2d(F.pad(colour, pad), 2) / weight.clamp(min=1e-6)
    visible = (weight > 0).float()
    return mean * visible, visible


def _filled_down(levels: list[Level], coarse: torch.Tensor) -> torch.Tensor:
    """Fill the holes of each level from the level above, down from ``coarse``, which is above the coarsest level."""
    out = coarse
    for colour, seen in reversed(levels):
        rows, cols = colour.shape[2:]
        if out.shape[2:] != colour.shape[2:]:
            up = F.interpolate(out, scale_factor=2.0, mode="bilinear", align_corners=False)[..., :rows, :cols]
        else:
            up = out
        out = torch.where(seen > 0, colour, up)
    return out
