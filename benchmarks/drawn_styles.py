"""Pictures drawn by a few formulas, to serve as styles where nobody's rights are touched: 256×256, RGB."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8]
SIDE = 256


def stained_glass(seed: int = 0, panes: int = 160) -> Samples:
    """Panes of bright colours, each with a gradient, between dark lines of lead."""
    random = np.random.default_rng(seed)
    place = random.uniform(0, SIDE, (panes, 2))
    palette = np.array([[200, 30, 40], [20, 70, 180], [240, 190, 40], [30, 140, 80], [120, 40, 140], [240, 235, 215]])
    colour = palette[random.integers(0, len(palette), panes)] * random.uniform(0.7, 1.0, (panes, 1))
    row, col = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(row[..., None] - place[:, 0], col[..., None] - place[:, 1])
    order = np.argsort(distance, -1)[..., :2]
    near, next_ = (np.take_along_axis(distance, order[..., k : k + 1], -1)[..., 0] for k in (0, 1))
    lit = colour[order[..., 0]] * (1.1 - 0.02 * near[..., None])
    return _levels(np.where((next_ - near < 2.2)[..., None], 22, lit))


def woodcut(seed: int = 0) -> Samples:
    """Curved lines of dark ink on warm paper, wider where a hidden landscape is dark."""
    random = np.random.default_rng(seed)
    row, col = np.mgrid[:SIDE, :SIDE] / SIDE
    tone = 0.5 + 0.5 * sum(
        a * np.sin(2 * np.pi * (f * row + g * col) + p)
        for a, f, g, p in zip(
            (0.5, 0.3, 0.2), random.uniform(-3, 3, 3), random.uniform(-3, 3, 3), random.uniform(0, 6, 3), strict=True
        )
    )
    lines = np.sin(2 * np.pi * (36 * row + 2.5 * np.sin(2 * np.pi * (col + 0.3 * row)) + 6 * tone))
    ink = np.clip((lines - 1.6 * tone + 0.7) * 4, 0, 1)[..., None]
    return _levels(ink * np.array([238, 222, 190]) + (1 - ink) * np.array([28, 34, 60]))


def dabs(seed: int = 0, count: int = 5000) -> Samples:
    """Short strokes of a brush in a few related colours, one upon the other, along a turning field."""
    random = np.random.default_rng(seed)
    out = np.full((SIDE, SIDE, 3), 120.0)
    palette = np.array([[36, 58, 110], [60, 110, 170], [120, 170, 190], [230, 200, 90], [200, 140, 50], [30, 60, 50]])
    row, col = np.mgrid[-9:10, -9:10]
    for _ in range(count):
        i, j = random.integers(0, SIDE, 2)
        angle = 3 * np.sin(i / 60) + 2 * np.cos(j / 50)
        along, across = row * np.sin(angle) + col * np.cos(angle), row * np.cos(angle) - col * np.sin(angle)
        where = (along / 8.5) ** 2 + (across / 2.2) ** 2 < 1
        pick = int(np.clip(3 + 2 * np.sin(i / 40) * np.cos(j / 45) + random.normal(0, 1), 0, 5))
        colour = palette[pick] + random.normal(0, 12, 3)
        for down, right in zip(*np.nonzero(where), strict=True):
            out[(i + down - 9) % SIDE, (j + right - 9) % SIDE] = colour + 10 * across[down, right]
    return _levels(out)


STYLES = {"stained glass": stained_glass, "woodcut": woodcut, "dabs": dabs}


def _levels(values: NDArray[np.float64]) -> Samples:
    out: Samples = np.clip(np.round(values), 0, 255).astype(np.uint8)
    return out
