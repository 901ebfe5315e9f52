"""`aez compare`."""

from pathlib import Path
from typing import Any

import click

from aez.cli.shared.console import say, say_lines
from aez.cli.shared.options.common import device_option
from aez.cli.shared.options.types import Number, split_list


@click.command()
@click.argument("pictures", nargs=-1, required=True, metavar="A [B]", type=click.Path(path_type=Path))
@click.option("--codecs", multiple=True, metavar="LIST", help="Compare these codecs on A, named as in `aez bench`.")
@click.option("--external", multiple=True, metavar="CMD", help="As for `aez bench`; needs --qualities.")
@click.option("--qualities", multiple=True, metavar="NAME=Q,Q…", help="Qualities of an external codec.")
@click.option("--bpp", type=Number(min=0, min_open=True), help="Size of all files in bits per pixel.  [default: 0.5]")
@click.option("--size", type=click.IntRange(min=1), help="Size of all files in bytes.")
@click.option("--metrics", multiple=True, metavar="LIST", help="As for `aez bench`.")
@device_option
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="PNG file of the pictures side by side.",
)
@click.option(
    "--crop", metavar="X,Y,SIDE", help="Part that -o shows, in pixels, enlarged twice.  [default: the middle]"
)
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
def command(
    pictures: tuple[Path, ...], codecs: tuple[str, ...], external: tuple[str, ...], qualities: tuple[str, ...],
    bpp: float | None, size: int | None, metrics: tuple[str, ...], device: str, out: Path | None,
    crop: str | None, overwrite: bool,
) -> None:  # fmt: skip
    """Compare picture B with its original A; or, with --codecs, compare codecs on A at one file size."""
    coding = bool(codecs or external)
    if len(pictures) != (1 if coding else 2):
        raise click.UsageError("give one picture with --codecs, or two without")
    if not coding and (bpp or size or out or crop or qualities):
        raise click.UsageError("--bpp, --size, --qualities, -o and --crop go with --codecs")
    if bpp and size:
        raise click.UsageError("--bpp and --size exclude each other")
    if out is not None:
        from aez.cli.shared.paths import check_output

        check_output(str(pictures[0]), str(out), overwrite)
    from aez.benchmarks.codecs.selection import choose_codecs
    from aez.benchmarks.report import comparison

    def note(line: str) -> None:
        say(f"aez: {line}", err=True)

    chosen = comparison.metrics_for(split_list(metrics), note)
    if not coding:
        say_lines(comparison.two_pictures(pictures[0], pictures[1], chosen, device))
        return
    names = split_list(codecs)
    specs = choose_codecs(names, external, qualities) if names else choose_codecs(["jpeg"], external, qualities)[1:]
    area = comparison.parse_crop(crop) if crop else None
    shots: list[Any] = comparison.code_to_size(pictures[0], specs, bpp or 0.5, size, chosen, device, note)
    say_lines(comparison.shots_table(shots))
    if out is not None:
        from aez.cli.shared.storage import mode_like, write_bytes

        drawn = comparison.side_by_side(pictures[0], shots, area)
        write_bytes(str(out), drawn, replace=overwrite, mode=mode_like(str(pictures[0])))
