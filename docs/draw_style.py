"""Draw the figure of `docs/pages/family/style.md`: two pictures in three styles, and one at several strengths.

Run ``python docs/draw_style.py EXAMPLES OUT.webp``.
"""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.commands import run
from aez.benchmarks.pictures import read_rgb
from aez.codec.family.style.stylize import stylize

PICTURES = ("astronaut.png", "chelsea.png")
STRENGTHS = (0.25, 0.5, 0.75)
SIDE, GAP = 256, 4
Samples = NDArray[np.uint8]


def stained_glass(seed: int = 0, panes: int = 160) -> Samples:
    """Draw panes of bright colours, each with a gradient, between dark lines of lead."""
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
    """Draw curved lines of dark ink on warm paper, of varying width."""
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
    """Draw short brush strokes in a few related colours along a turning field."""
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


def square(image: Image.Image) -> Image.Image:
    """Crop the square in the middle of a picture, and resize it to 256×256."""
    side = min(image.size)
    left, top = ((n - side) // 2 for n in image.size)
    return image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


@click.command()
@click.argument("examples", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def command(examples: Path, out: Path) -> None:
    """Draw the pictures in EXAMPLES in each style and write them to OUT."""
    styles = [Image.fromarray(draw()) for draw in STYLES.values()]
    rows: list[list[Image.Image]] = [[Image.new("RGB", (SIDE, SIDE), "white"), *styles]]
    for name in PICTURES:
        content = square(read_rgb(examples / name))
        rows.append([content, *(stylize(content, style) for style in styles)])
    content = rows[1][0]
    rows.append([stylize(content, styles[0], strength) for strength in (*STRENGTHS, 1.0)])
    sheet = Image.new("RGB", (4 * (SIDE + GAP) - GAP, len(rows) * (SIDE + GAP) - GAP), "white")
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            sheet.paste(image, (across * (SIDE + GAP), down * (SIDE + GAP)))
    sheet.save(out, quality=70, method=6)
    click.echo(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    run(command)
