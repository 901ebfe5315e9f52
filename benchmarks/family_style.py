"""The figure of `docs/pages/family/style.md`: two pictures in three drawn styles, and one at several strengths.

python -m aez.benchmarks.family_style EXAMPLES OUT.webp
"""

from pathlib import Path

import click
from PIL import Image

from aez.benchmarks.console import run
from aez.benchmarks.drawn_styles import STYLES
from aez.benchmarks.pictures import read_rgb
from aez.codec.family.style.stylize import stylize

PICTURES = ("astronaut.png", "chelsea.png")
STRENGTHS = (0.25, 0.5, 0.75)
SIDE, GAP = 256, 4


def square(image: Image.Image) -> Image.Image:
    """The middle of a picture, reduced to 256×256."""
    side = min(image.size)
    left, top = ((n - side) // 2 for n in image.size)
    return image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


@click.command()
@click.argument("examples", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def command(examples: Path, out: Path) -> None:
    """Paint the pictures in EXAMPLES."""
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
