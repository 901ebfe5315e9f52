"""Draw a figure of `docs/pages/models.md`: the same places of pictures whose files have the same size.

Run ``python docs/draw_crops.py KODAK OUT.webp --rate 0.3``.
"""

from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw

from aez.benchmarks.codecs.matching import match_size
from aez.benchmarks.codecs.specs import build, parse_codec
from aez.benchmarks.commands import run
from aez.benchmarks.pictures import read_rgb

PLACES = (
    ("kodim01", 60, 260, "bricks"),
    ("kodim03", 300, 120, "caps"),
    ("kodim04", 150, 130, "hat, hair and skin"),
    ("kodim05", 300, 180, "motorcycles"),
    ("kodim08", 330, 120, "houses"),
    ("kodim13", 250, 300, "water and trees"),
    ("kodim15", 250, 100, "hair, strap and paint"),
    ("kodim20", 420, 190, "aeroplane"),
    ("kodim23", 230, 60, "background out of focus"),
    ("kodim24", 420, 250, "mural"),
)
"""Pictures, left and upper edges of the places, and what is there; chosen in the originals."""
CODECS = ("aez", "avif-s6", "jxl-e7")
SIDE, GAP, HEAD = 160, 4, 14


@click.command(help=(__doc__ or "").partition("\n\n")[0])
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--rate", type=float, default=0.3, show_default=True, help="Bits per pixel of every file.")
@click.option("--codec", "codecs", multiple=True, default=CODECS, show_default=True, help="Codecs as in `aez bench`.")
def main(folder: Path, output: Path, rate: float, codecs: tuple[str, ...]) -> None:
    """Draw one row for each place, one column for the original and each codec."""
    adapters = [build(parse_codec(codec), "cpu") for codec in codecs]
    size = (len(adapters) + 1) * (SIDE + GAP), HEAD + len(PLACES) * (SIDE + GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, name in enumerate(("original", *(adapter.name for adapter in adapters))):
        draw.text((column * (SIDE + GAP) + 2, 1), name, fill="black")
    for row, (name, left, top, _) in enumerate(PLACES):
        picture = read_rgb(folder / f"{name}.png")
        target = int(rate * picture.width * picture.height / 8)
        shown, sizes = [picture], []
        for adapter in adapters:
            file = match_size(adapter, picture, target).data
            shown.append(adapter.decode(file))
            sizes.append(len(file))
        click.echo(f"{name}: {target} bytes wanted, {', '.join(map(str, sizes))}")
        for column, one in enumerate(shown):
            crop = one.crop((left, top, left + SIDE, top + SIDE))
            sheet.paste(crop, (column * (SIDE + GAP), HEAD + row * (SIDE + GAP)))
    sheet.save(output, quality=95, method=6)
    click.echo(f"{output}: {output.stat().st_size} bytes, {np.prod(size)} pixels")


if __name__ == "__main__":
    run(main)
