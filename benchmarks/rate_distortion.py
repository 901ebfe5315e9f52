"""Rate–distortion of the command line on a folder of pictures, beside classic codecs on the same pictures.

For every quality `aez compress` and `aez decompress` run on all pictures; bits a pixel come from file sizes, PSNR
(RGB, a value a picture, then the mean) from the decoded files. Both must rise strictly with the quality for every
picture; exit code 1 if they do not. Pillow's JPEG (optimised, progressive, 4:2:0) is measured on the same pictures,
with --classic WebP (method 6) and AVIF (speed 6, 4:4:4) too; BD-rates are of the mean curves. The JSON holds all of it,
picture by picture, and its `codecs` are what `aez.benchmarks.bdrate` reads.

    python -m aez.benchmarks.rate_distortion FOLDER -o RESULTS.json [--classic] [--published CURVES.json ...]
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click
import PIL
import torch

from aez.benchmarks.bdrate import BDRate, bd_rate, describe
from aez.benchmarks.classic import AVIF, JPEG, WEBP
from aez.benchmarks.command_line import measure_quality
from aez.benchmarks.console import interval_options, picture_options, quality_option, run, table
from aez.benchmarks.curves import read_curves
from aez.benchmarks.measurements import Measurements, mean_curve, means, measure_classic, violations
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.bitstream.errors import AezError
from aez.codec.registry import ModelEntry, find_model

OURS = "aez"


def measure_aez(pictures: list[Path], qualities: list[float], model: str, threads: int | None) -> Measurements:
    """All pictures at all qualities, by picture name; see :func:`measure_quality`."""
    columns = []
    for quality in qualities:
        click.echo(f"aez, quality {quality:g}", err=True)
        columns.append(measure_quality(pictures, quality, model, threads))
    return {path.name: list(row) for path, row in zip(pictures, zip(*columns, strict=True), strict=True)}


def report(results: Mapping[str, Measurements]) -> str:
    """The means of every codec at every quality, as a table."""
    rows = [
        (codec, f"{quality:g}", f"{point.bpp:.4f}", f"{point.psnr:.3f}")
        for codec, measurements in results.items()
        for quality, point in means(measurements)
    ]
    return table(("codec", "quality", "bpp", "PSNR dB"), rows)


def as_json(
    results: Mapping[str, Measurements], rates: Mapping[str, BDRate | None], faults: list[str], entry: ModelEntry
) -> str:
    """Everything measured and how, for later comparison."""
    content = {
        "model": {"name": entry.name, "fingerprint": entry.fingerprint},
        "versions": {"pillow": PIL.__version__, "torch": torch.__version__},
        "codecs": {
            codec: [{"quality": quality, **point._asdict()} for quality, point in means(measurements)]
            for codec, measurements in results.items()
        },
        "bd_rate": {anchor: asdict(rate) if rate else None for anchor, rate in rates.items()},
        "not_monotone": faults,
        "pictures": {
            codec: {name: [asdict(row) for row in rows] for name, rows in measurements.items()}
            for codec, measurements in results.items()
        },
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


@click.command()
@picture_options()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSON to write.")
@quality_option(5, 15, 30, 50, 70, 85, 95, 100)
@click.option("--classic", is_flag=True, help="Measure WebP and AVIF too.")
@click.option(
    "--published",
    type=click.Path(path_type=Path),
    multiple=True,
    help="JSON file of curves of all of these pictures, to compare with too.",
)
@interval_options
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of aez.")
def command(
    folder: Path,
    first: int | None,
    model: str,
    output: Path,
    qualities: tuple[float, ...],
    classic: bool,
    published: tuple[Path, ...],
    low: float,
    high: float,
    threads: int | None,
) -> None:
    """Measure rate and distortion of aez and of classic codecs on the pictures in FOLDER."""
    pictures, entry = list_pictures(folder, first), find_model(model)
    curves = [(path.name, read_curves(path)) for path in published]
    if not output.parent.is_dir():
        raise AezError(f"{output.parent}: no such folder")
    results = {OURS: measure_aez(pictures, sorted(set(qualities)), model, threads)}
    for codec in (JPEG, WEBP, AVIF) if classic else (JPEG,):
        click.echo(codec.name, err=True)
        results[codec.name] = measure_classic(codec, ((path.name, read_rgb(path)) for path in pictures))
    anchors = {codec: mean_curve(measurements) for codec, measurements in results.items() if codec != OURS}
    anchors |= {f"{codec} ({file})": curve for file, group in curves for codec, curve in group.items()}
    ours = mean_curve(results[OURS])
    rates = {codec: bd_rate(curve, ours, low, high) for codec, curve in anchors.items()}
    faults = list(violations(results[OURS]))
    output.write_text(as_json(results, rates, faults, entry), encoding="utf-8")

    click.echo(f"{len(pictures)} pictures, model {entry.name} ({entry.fingerprint})")
    click.echo(report(results))
    click.echo(f"\nBD-rates from {low:g} to {high:g} dB where both curves reach so far:")
    click.echo(table(("aez against", "BD-rate", "over"), [(name, *describe(rate)) for name, rate in rates.items()]))
    if faults:
        click.echo("\n".join(faults))
        raise AezError(f"size or PSNR does not rise with the quality in {len(faults)} places")
    click.echo("size and PSNR rise with the quality for every picture")


if __name__ == "__main__":
    run(command)
