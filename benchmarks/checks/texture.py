"""Fine texture that codecs wipe out, at equal size.

A metric that forgives a lost weave or a hedge for better clouds elsewhere does not show what eyes miss first. Fine
texture is what a Gaussian of σ = 1.5 pixels removes from a channel. A block of 16×16 pixels is textured if it has at
least ``CONTRAST`` levels of it; it keeps the share of the contrast that is alike in the decoded picture, by least
squares, and is wiped out if that is less than ``KEPT``.

    python -m aez.benchmarks.checks.texture FOLDER [--first N] [--rate 0.4 --rate 0.8] [--codec aez --codec avif-s6]
"""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from aez.benchmarks.codecs.matching import match_size
from aez.benchmarks.codecs.specs import build, parse_codec
from aez.benchmarks.commands import run, table
from aez.benchmarks.pictures import Samples, list_pictures, read_rgb
from aez.codec.picture.ssimulacra2 import NUMPY, blurred

CONTRAST, KEPT, SIDE = 8.0, 0.4, 16
CODECS, RATES = ("aez", "avif-s6"), (0.4, 0.8)


def kept_contrast(original: Samples, decoded: Samples) -> NDArray[np.float64]:
    """Return the share of its contrast that each textured block of each channel keeps, (blocks,); 1 is all.

    Args:
        original: (H, W, 3).
        decoded: the same shape.
    """
    before, after = (_fine_blocks(picture) for picture in (original, decoded))
    power = np.square(before).sum(1)
    textured = power >= SIDE**2 * CONTRAST**2
    kept: NDArray[np.float64] = (before * after).sum(1)[textured] / power[textured]
    return kept


def _fine_blocks(picture: Samples) -> NDArray[np.float64]:
    """Return the fine texture of whole blocks of each channel, (blocks, SIDE²)."""
    edge = SIDE // 2  # further than the Gaussian reaches, which sees zeros beyond an array
    planes = np.pad(picture.astype(np.float32), ((edge, edge), (edge, edge), (0, 0)), mode="edge").transpose(2, 0, 1)
    fine = (planes - blurred(planes[None], NUMPY)[0])[:, edge:-edge, edge:-edge].astype(np.float64)
    rows, cols = (side // SIDE for side in fine.shape[1:])
    whole = fine[:, : rows * SIDE, : cols * SIDE].reshape(3, rows, SIDE, cols, SIDE)
    blocks: NDArray[np.float64] = whole.transpose(0, 1, 3, 2, 4).reshape(-1, SIDE**2)
    return blocks


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--first", type=click.IntRange(min=1), help="Use only the first N pictures by name.  [default: all]")
@click.option("--rate", "rates", type=float, multiple=True, default=RATES, show_default=True, help="Bits per pixel.")
@click.option("--codec", "codecs", multiple=True, default=CODECS, show_default=True, help="Codecs as in `aez bench`.")
def command(folder: Path, first: int | None, rates: tuple[float, ...], codecs: tuple[str, ...]) -> None:
    """Print the share of textured blocks that codecs wipe out at equal size."""
    rows = []
    pictures = [read_rgb(path) for path in list_pictures(folder, first)]
    for rate in rates:
        for codec in codecs:
            adapter, found = build(parse_codec(codec), "cpu"), []
            for picture in pictures:
                file = match_size(adapter, picture, int(rate * picture.width * picture.height / 8)).data
                found.append(kept_contrast(np.asarray(picture), np.asarray(adapter.decode(file))))
            kept = np.concatenate(found)
            share = f"{100 * (kept < KEPT).mean():.1f} %" if len(kept) else "–"
            rows.append((f"{rate:g}", adapter.name, str(len(kept)), share))
    click.echo(table(("bits per pixel", "codec", "textured blocks", "wiped out"), rows))


if __name__ == "__main__":
    run(command)
