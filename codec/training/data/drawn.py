"""Drawn training crops: flat areas, gradients, bars, checks and strokes in saturated colours.

Photographs hardly ever show two saturated colours side by side, or an area without noise, so a model trained on
photographs alone codes them badly. Screenshots and logos consist of both.
"""

import random

import torch
from torch import Tensor

_LEVELS = (0.0, 255.0)
_SHAPES = 6


def drawn_crop(draw: random.Random, size: int) -> Tensor:
    """Draw one crop.

    Args:
        draw: source of all randomness.
        size: side in pixels.

    Returns:
        (3, size, size) float32, 0 … 255, whole numbers.
    """
    crop = _gradient(draw, size) if draw.random() < 0.3 else _colour(draw).expand(3, size, size).clone()
    for _ in range(draw.randint(0, _SHAPES)):
        height, width = (draw.randint(2, size) for _ in range(2))
        top, left = draw.randint(0, size - height), draw.randint(0, size - width)
        area = crop[:, top : top + height, left : left + width]
        area.copy_(draw.choice((_rectangle, _checks, _strokes))(draw, area))
    return crop.round_()


def _colour(draw: random.Random) -> Tensor:
    """Choose a corner of the colour cube, a grey, or any colour, (3, 1, 1)."""
    kind = draw.random()
    if kind < 0.5:
        samples = [draw.choice(_LEVELS) for _ in range(3)]
    elif kind < 0.7:
        samples = [draw.uniform(*_LEVELS)] * 3
    else:
        samples = [draw.uniform(*_LEVELS) for _ in range(3)]
    return torch.tensor(samples)[:, None, None]


def _gradient(draw: random.Random, size: int) -> Tensor:
    """Draw a linear gradient between two colours, in any direction."""
    first, second = _colour(draw), _colour(draw)
    ramp = torch.linspace(0, 1, size)
    slope = draw.random()
    share = slope * ramp[:, None] + (1 - slope) * ramp[None]
    share = share.flip(0) if draw.random() < 0.5 else share
    return torch.lerp(first, second, share[None])


def _rectangle(draw: random.Random, area: Tensor) -> Tensor:
    """Fill an area with one colour."""
    return _colour(draw).expand_as(area)


def _checks(draw: random.Random, area: Tensor) -> Tensor:
    """Draw checks, or bars, of one period."""
    period = draw.choice((2, 3, 4, 6, 8, 12, 16, 24, 32))
    rows = torch.arange(area.shape[1])[:, None] // period
    cols = torch.arange(area.shape[2])[None] // period
    field = rows + cols if draw.random() < 0.5 else (rows + 0 * cols if draw.random() < 0.5 else cols + 0 * rows)
    return torch.where((field % 2 == 0)[None], _colour(draw), _colour(draw))


def _strokes(draw: random.Random, area: Tensor) -> Tensor:
    """Draw rows of short strokes, one to three pixels wide, like text, in one colour over the area."""
    out, ink = area.clone(), _colour(draw)
    height, width = area.shape[1:]
    tall, thick = draw.randint(5, 14), draw.randint(1, 3)
    for top in range(0, height - tall, tall + 4):
        left = 0
        while left + tall < width:
            if draw.random() < 0.5:
                out[:, top : top + tall, left : left + thick] = ink
            if draw.random() < 0.6:
                row = top + draw.choice((0, tall // 2, tall - thick))
                out[:, row : row + thick, left : left + draw.randint(3, tall)] = ink
            left += draw.randint(thick + 2, tall)
    return out
