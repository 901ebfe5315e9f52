"""Fill wholly transparent pixels with a smooth continuation of the visible ones, which costs few bytes to code."""

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
    """The samples, but a smooth continuation of the visible ones where the picture is wholly transparent.

    Pull–push: averages of visible samples over ever larger squares, then back, each hole filled from the next coarser
    average. Blocks of the picture are taken one by one, so that memory stays bounded.

    Args:
        samples: (H, W, 3) or (H, W) uint8.
        alpha: (H, W) uint8.
    """
    if alpha.all():
        return samples
    height, width = alpha.shape
    planes = samples if samples.ndim == 3 else samples[:, :, None]
    blocks = [
        (slice(i, min(i + _BLOCK, height)), slice(j, min(j + _BLOCK, width)))
        for i in range(0, height, _BLOCK)
        for j in range(0, width, _BLOCK)
    ]
    step = 1 << _DEPTH
    coarse = torch.zeros(1, planes.shape[2], -(-height // step), -(-width // step))
    seen = torch.zeros(1, 1, *coarse.shape[2:])
    for rows, cols in blocks:
        *_, (colour, mask) = _pyramid(planes[rows, cols], alpha[rows, cols], _DEPTH)
        at = (..., slice(rows.start // step, -(-rows.stop // step)), slice(cols.start // step, -(-cols.stop // step)))
        coarse[at], seen[at] = colour, mask
    levels = [(coarse, seen)]
    while max(levels[-1][0].shape[2:]) > 1:
        levels.append(_coarser(*levels[-1]))
    background = _filled_down(levels, levels[-1][0])
    out = samples.copy()
    for rows, cols in blocks:
        hidden = alpha[rows, cols] == 0
        if hidden.any():
            levels = _pyramid(planes[rows, cols], alpha[rows, cols], _DEPTH)
            at = (
                ...,
                slice(rows.start // step, -(-rows.stop // step)),
                slice(cols.start // step, -(-cols.stop // step)),
            )
            smooth = _filled_down(levels[:-1], background[at])[0].permute(1, 2, 0).round().to(torch.uint8).numpy()
            out[rows, cols][hidden] = smooth[hidden] if samples.ndim == 3 else smooth[hidden][:, 0]
    return out


def _pyramid(planes: NDArray[np.uint8], alpha: NDArray[np.uint8], depth: int) -> list[Level]:
    """Colour (0 where unseen) and visibility of a block, each level of half the size."""
    seen = torch.from_numpy((alpha > 0).astype(np.float32))[None, None]
    colour = torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None].float() * seen
    levels = [(colour, seen)]
    for _ in range(depth):
        levels.append(_coarser(*levels[-1]))
    return levels


def _coarser(colour: torch.Tensor, seen: torch.Tensor) -> Level:
    pad = (0, colour.shape[3] % 2, 0, colour.shape[2] % 2)
    weight = F.avg_pool2d(F.pad(seen, pad), 2)
    mean = F.avg_pool2d(F.pad(colour, pad), 2) / weight.clamp(min=1e-6)
    visible = (weight > 0).float()
    return mean * visible, visible


def _filled_down(levels: list[Level], coarse: torch.Tensor) -> torch.Tensor:
    """From the coarsest level to the finest, holes filled from the level above, which is ``coarse`` at first."""
    out = coarse
    for colour, seen in reversed(levels):
        rows, cols = colour.shape[2:]
        if out.shape[2:] != colour.shape[2:]:
            up = F.interpolate(out, scale_factor=2.0, mode="bilinear", align_corners=False)[..., :rows, :cols]
        else:
            up = out
        out = torch.where(seen > 0, colour, up)
    return out
