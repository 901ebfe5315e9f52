"""Measure fits on pictures for a weights file: python -m aez.codec.training.fits WEIGHTS PICTURES... -o OUT."""

from itertools import islice
from pathlib import Path

import click

from aez.codec.model.weightfile import read_weights, serialise_weights
from aez.codec.picture.files import write_atomically
from aez.codec.training.data import iter_pictures
from aez.codec.training.fits import FITS, fits_named


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--fit",
    "names",
    multiple=True,
    type=click.Choice([fit.name for fit in FITS]),
    help="What to measure. May be repeated.  [default: everything]",
)
@click.option("-o", "--output", "out", required=True, type=click.Path(path_type=Path), help="Weights file to write.")
def command(weights: Path, pictures: tuple[Path, ...], names: tuple[str, ...], out: Path) -> None:
    """Measure tables of WEIGHTS, a model of the codec, on PICTURES."""
    better = read_weights(weights)
    for fit in fits_named(names) if names else FITS:
        better = fit.apply(better, islice(iter_pictures(pictures), fit.needs))
    write_atomically(out, serialise_weights(better))
    click.echo(f"{out}: fingerprint {better.fingerprint.hex()}")


if __name__ == "__main__":
    command()
