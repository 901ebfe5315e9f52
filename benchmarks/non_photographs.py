"""Synthetic pictures that are no photographs, for ``aez bench``: text, code, a chart, a map, icons, line art.

    python -m aez.benchmarks.non_photographs OUT && aez bench OUT -o report

The same pictures everywhere with the same version of Pillow and matplotlib. No training picture is among them.
"""

import math
from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aez.benchmarks.commands import run
from aez.bitstream.errors import AezError

SIZE = 768, 512
WORDS = (  # noqa: SIM905  # a list of so many strings is no easier to read
    "rate distortion latent picture header chunk quality window decode entropy table gradient synthesis analysis edge "
    "colour profile mirror harbour window winter letter market stone river paper candle garden violin copper lantern"
).split()
Drawing = Image.Image


def sentence(draw: np.random.Generator, words: int) -> str:
    """Draw a sentence of so many words."""
    return " ".join(draw.choice(WORDS, words)).capitalize() + "."


def text_page(draw: np.random.Generator) -> Drawing:
    """Draw text in three sizes, black on white."""
    image = Image.new("RGB", SIZE, "white")
    pen, top = ImageDraw.Draw(image), 16
    for size, lines in ((30, 2), (18, 6), (12, 20)):
        font = ImageFont.load_default(size)
        for _ in range(lines):
            pen.text((24, top), sentence(draw, 700 // (size * 4)), fill="black", font=font)
            top += round(size * 1.35)
    return image


def code_editor(draw: np.random.Generator) -> Drawing:
    """Draw coloured words on a dark background, with line numbers and a side bar."""
    image = Image.new("RGB", SIZE, "#1e1e2e")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    pen.rectangle((0, 0, 150, SIZE[1]), fill="#181825")
    colours = ["#cdd6f4", "#f38ba8", "#a6e3a1", "#89b4fa", "#fab387", "#6c7086"]
    for row, top in enumerate(range(8, SIZE[1] - 16, 18)):
        pen.text((12, top), str(draw.choice(WORDS)) + ".py", fill="#7f849c", font=font)
        pen.text((160, top), f"{row + 1:3d}", fill="#45475a", font=font)
        left = 196 + 28 * int(draw.integers(0, 4))
        for word in draw.choice(WORDS, draw.integers(1, 7)):
            pen.text((left, top), str(word), fill=str(draw.choice(colours)), font=font)
            left += round(pen.textlength(str(word) + " ", font=font))
    return image


def icons(draw: np.random.Generator) -> Drawing:
    """Draw flat shapes with and without smooth edges on a colour gradient."""
    across, down = np.linspace(0, 1, SIZE[0]), np.linspace(0, 1, SIZE[1])[:, None]
    ground = np.dstack([90 + 100 * across + 0 * down, 120 + 80 * down + 0 * across, 200 - 90 * across * down])
    large = Image.fromarray(ground.astype(np.uint8)).resize((2 * SIZE[0], 2 * SIZE[1]), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(large)
    for i in range(6):
        for j in range(4):
            x, y = 80 + i * 240, 60 + j * 240
            colour = tuple(int(v) for v in draw.integers(0, 256, 3))
            shape = int(draw.integers(0, 4))
            if shape == 0:
                pen.ellipse((x, y, x + 140, y + 140), fill=colour, outline="white", width=6)
            elif shape == 1:
                pen.rounded_rectangle((x, y, x + 150, y + 130), 28, fill=colour)
            elif shape == 2:
                pen.regular_polygon((x + 70, y + 70, 72), int(draw.integers(3, 7)), fill=colour)
            else:
                pen.arc((x, y, x + 140, y + 140), 30, 290, fill=colour, width=18)
    return large.resize(SIZE, Image.Resampling.LANCZOS)


def line_art(draw: np.random.Generator) -> Drawing:
    """Draw thin black curves on white, without antialiasing."""
    image = Image.new("L", SIZE, 255)
    pen = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, angle = draw.uniform(0, SIZE[0]), draw.uniform(0, SIZE[1]), draw.uniform(0, 2 * math.pi)
        points = [(x, y)]
        for _ in range(40):
            angle += draw.normal(0, 0.25)
            x, y = x + 9 * math.cos(angle), y + 9 * math.sin(angle)
            points.append((x, y))
        pen.line(points, fill=0, width=int(draw.integers(1, 3)))
    return image.convert("RGB")


def street_map(draw: np.random.Generator) -> Drawing:
    """Draw areas of few colours, roads with outlines, and names."""
    image = Image.new("RGB", SIZE, "#f2efe9")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    for _ in range(14):
        x, y = draw.uniform(0, SIZE[0]), draw.uniform(0, SIZE[1])
        corners = [(x + draw.normal(0, 70), y + draw.normal(0, 70)) for _ in range(5)]
        pen.polygon(corners, fill=str(draw.choice(["#c8e6b0", "#aad3df", "#e0dfdf", "#f5e9c6"])))
    for width, colour in ((9, "#b0a080"), (6, "#ffffff")):
        roads = np.random.default_rng(5)
        for _ in range(22):
            a, b = roads.uniform(0, SIZE[0], 2), roads.uniform(0, SIZE[1], 2)
            pen.line([(a[0], b[0]), (a[1], b[1])], fill=colour, width=width)
    for _ in range(40):
        place = draw.uniform(0, SIZE[0] - 60), draw.uniform(0, SIZE[1] - 14)
        pen.text(place, str(draw.choice(WORDS)), fill="#444444", font=font)
    return image


def chart(draw: np.random.Generator) -> Drawing:
    """Draw curves, a grid, labels and a legend with matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100)
    x = np.linspace(0, 10, 60)
    for name in draw.choice(WORDS, 4, replace=False):
        axes[0].plot(x, np.cumsum(draw.normal(0, 1, 60)), label=str(name), marker=".")
    axes[0].legend()
    axes[0].grid()
    axes[1].bar([str(w)[:5] for w in draw.choice(WORDS, 6, replace=False)], draw.uniform(1, 9, 6), color="tab:orange")
    axes[1].tick_params(axis="x", rotation=60)
    figure.tight_layout()
    figure.canvas.draw()
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[:, :, :3])  # type: ignore[attr-defined]
    pyplot.close(figure)
    return image


PICTURES = {
    "chart": chart,
    "code_editor": code_editor,
    "icons": icons,
    "line_art": line_art,
    "street_map": street_map,
    "text_page": text_page,
}


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
def command(out: Path) -> None:
    """Draw the pictures into the folder OUT."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, (name, picture) in enumerate(PICTURES.items()):
            picture(np.random.default_rng(number)).save(out / f"{name}.png")
    except OSError as error:
        raise AezError(f"{out}: cannot be written ({error.strerror})") from None


if __name__ == "__main__":
    run(command)
