"""`aez decompress`."""

import time
from pathlib import Path

import click

from aez.bitstream import read_header
from aez.bitstream.errors import AezError, ImageError
from aez.bitstream.limits import Limits
from aez.cli.batch import run_batch, write_output
from aez.cli.options import runtime_options, set_up_process
from aez.cli.paths import check_output, plan_outputs
from aez.cli.pixel_options import decoded_picture, opened_input, output_bytes, output_options
from aez.codec.registry import find_fingerprint


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", type=click.Path(path_type=Path))
@click.option("--model", metavar="NAME|PATH", help="Weights that made the files, if aez does not have them.")
@output_options
@runtime_options
def command(
    inputs: tuple[Path, ...],
    model: str | None,
    region: tuple[int, int, int, int] | None,
    scale: str,
    preview: bool,
    background: tuple[int, int, int],
    auto_orient: bool,
    strip: bool,
    to_srgb: bool,
    out: str | None,
    device: str,
    threads: int | None,
    max_pixels: int,
    quiet: bool,
    overwrite: bool,
) -> None:
    """Turn .aez files back into pictures: PNG beside the inputs, or any format that Pillow writes by -o's suffix."""
    if preview and (region or scale != "1"):
        raise click.UsageError("--preview excludes --region and --scale")
    pairs = plan_outputs(inputs, out, ".png")
    limits = Limits(max_pixels=max_pixels)

    def job(source: Path, target: Path) -> str:
        check_output(source, target, overwrite)
        from aez.codec.outputs import format_of

        kind = format_of(target)
        start = time.perf_counter()
        with opened_input(source, partly=preview or region is not None) as data:
            size = len(data)
            try:
                # A foreign file, or one of an unknown model, is refused before the seconds that importing torch takes.
                header = read_header(data, limits)
                name = model or find_fingerprint(header.fingerprint).name
                from aez.codec import api

                set_up_process(threads)
                picture = decoded_picture(
                    api.load(name, device),
                    source,
                    data,
                    region=region,
                    scale=scale,
                    preview=preview,
                    limits=limits,
                    progress_wanted=not quiet and len(pairs) == 1,
                )
            except AezError as error:
                raise type(error)(f"{source}: {error}") from None
        try:
            out, notes = output_bytes(
                picture, kind, background=background, auto_orient=auto_orient, strip=strip, to_srgb=to_srgb
            )
        except ImageError as error:
            raise ImageError(f"{target}: {error}") from None
        for note in notes:
            click.echo(f"aez: warning: {target}: {note}", err=True)
        write_output(target, out)
        height, width = picture.samples.shape[:2]
        return f"{source} → {target}: {width}×{height}, {size} → {len(out)} bytes, " + (
            f"{time.perf_counter() - start:.2f} s"
        )

    run_batch(pairs, job, quiet=quiet)
