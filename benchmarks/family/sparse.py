"""The sparse autoencoders: share of zeros, rate and PSNR by λ, and BD-rate against the codec's model.

Means over the pictures of a folder, from real files.

    python -m aez.benchmarks.family.sparse FOLDER [--first N]
"""

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch

from aez.benchmarks.bdrate import Interval, bd_rate, describe
from aez.benchmarks.commands import run, table
from aez.benchmarks.curves import Point, monotone
from aez.benchmarks.metrics import psnr
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.codec import api
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.registry import PSNR_MODEL
from aez.codec.networks.quality import lambda_of

MODELS = ("sparse", "sparse-l0")
_INTERVAL = Interval(20.0, 50.0)
REFERENCE = (PSNR_MODEL, (1, 5, 12, 20, 30, 40, 50, 60, 70, 80, 90, 100))


def rows_of(model: str, pictures: Sequence[Path], qualities: Sequence[float]) -> list[tuple[float, float, float]]:
    """Compute the mean share of zeros, bits per pixel and PSNR at each quality."""
    codec = api.load(model)
    rows = []
    for quality in qualities:
        values = []
        for path in pictures:
            picture = np.asarray(read_rgb(path))
            data = codec.encode(picture, quality, effort=0)
            zeros = float((codec.unpack(data)[1].r == 0).mean())
            pixels = picture.shape[0] * picture.shape[1]
            values.append((zeros, 8 * len(data) / pixels, psnr(picture, codec.decode_array(data))))
        rows.append(tuple(float(v) for v in np.mean(values, 0)))
    return rows  # type: ignore[return-value]  # three means each


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--first", type=click.IntRange(min=1), help="Use only the first N pictures by name.")
def command(folder: Path, first: int | None) -> None:
    """Print the table for the pictures in FOLDER."""
    pictures = list_pictures(folder, first)
    name, qualities = REFERENCE
    own = monotone(Point(bpp, value) for _, bpp, value in rows_of(name, pictures, qualities))
    for model in MODELS:
        scale = api.load(model).quality_scale
        points, places = scale.points, [scale.quality_of(point * POSITION_SCALE) for point in range(scale.points)]
        found = rows_of(model, pictures, places)
        lines = []
        for point, (quality, (zeros, bpp, value)) in enumerate(zip(places, found, strict=True)):
            weight = 255**2 / float(lambda_of(torch.tensor(float(point)), points))
            lines.append([f"{quality:.0f}", f"{weight:.2f}", f"{100 * zeros:.2f}", f"{bpp:.3f}", f"{value:.2f}"])
        click.echo(f"{model}, {len(pictures)} pictures")
        click.echo(table(["quality", "penalty weight", "zeros %", "bpp", "PSNR dB"], lines))
        curve = monotone(Point(bpp, value) for _, bpp, value in found)
        against = " ".join(describe(bd_rate(own, curve, _INTERVAL)))
        click.echo(f"BD-rate against {name} at effort 0: {against}\n")


if __name__ == "__main__":
    run(command)
