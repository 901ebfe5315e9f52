"""Draw the figure of `docs/pages/family/generation.md`: three ways of sampling.

The rows are sampled without neighbours, with neighbours, and with neighbours at a lower temperature.

Run ``python docs/draw_generation.py OUT.jpg``.
"""

from pathlib import Path

import click
from PIL import Image

from aez.benchmarks.commands import model_option, run
from aez.codec.family.generation.sampling import generate

COUNT, SIDE, GAP = 5, 192, 4
WAYS = ((1.0, True), (1.0, False), (0.5, False))


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@model_option
def command(out: Path, model: str) -> None:
    """Draw one row of pictures for each way of sampling."""
    sheet = Image.new("RGB", (COUNT * (SIDE + GAP) - GAP, len(WAYS) * (SIDE + GAP) - GAP), "white")
    for down, (temperature, independent) in enumerate(WAYS):
        for number in range(COUNT):
            drawn = generate(
                SIDE, SIDE, 1, number=number, temperature=temperature, independent=independent, model=model
            )
            sheet.paste(drawn, (number * (SIDE + GAP), down * (SIDE + GAP)))
    sheet.save(out, quality=80)
    click.echo(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    run(command)
