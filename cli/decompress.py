"""`aez decompress`."""

from pathlib import Path
from typing import Any

import click

from aez.cli.batch import run
from aez.cli.decompress_job import DecompressJob, DecompressPixels
from aez.cli.inputs import aez_suffixes
from aez.cli.options import Shared, delete_source_option, runtime_options
from aez.cli.pixel_options import output_options


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--model", metavar="NAME|PATH", help="Weights that made the files, if aez does not have them.")
@click.option(
    "-f",
    "--format",
    "kind",
    default="png",
    show_default=True,
    metavar="SUFFIX",
    help="Format of outputs that -o does not name: any suffix that Pillow writes, as jpg, webp, tif.",
)
@output_options
@delete_source_option
@runtime_options
def command(inputs: tuple[str, ...], model: str | None, kind: str, shared: Shared, **pixels: Any) -> None:
    """Turn .aez files back into pictures: PNG beside the inputs, or another format by -o's suffix or -f.

    INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for standard input, which goes to standard
    output. Of two arguments the second is the output, as with -o, if it has a picture's suffix and does not exist.
    """
    wanted = DecompressPixels(**pixels)
    if wanted.preview and (wanted.region or wanted.scale != "1"):
        raise click.UsageError("--preview excludes --region and --scale")
    if shared.delete_source and (wanted.region or wanted.scale != "1" or wanted.preview):
        raise click.UsageError("--delete-source excludes --region, --scale and --preview, which give only a part")
    suffix = "." + kind.lower().removeprefix(".")
    if kind != "png":
        from aez.codec.picture.outputs import format_of

        format_of(Path(f"output{suffix}"))
    job = DecompressJob(
        model=model,
        device=shared.device,
        threads=shared.threads_each,
        max_pixels=shared.max_pixels,
        suffix=suffix,
        pixels=wanted,
        rules=shared.rules,
    )
    run(job, inputs, shared, suffix=suffix, takes=aez_suffixes)
