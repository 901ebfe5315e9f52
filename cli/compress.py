"""`aez compress`."""

from typing import Any

import click

from aez.cli.batch import run
from aez.cli.compress_job import CompressJob
from aez.cli.inputs import picture_suffixes
from aez.cli.options import Shared, runtime_options


class _Quality(click.FloatRange):
    """A range that `nan` is not in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As the base class, which lets `nan` through."""
        number = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a number", param, ctx) if number != number else number


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-q",
    "--quality",
    type=_Quality(1, 100),
    default=50.0,
    show_default=True,
    help="1 (smallest) to 100 (best); fractions work.",
)
@click.option("--model", default="photo", show_default=True, metavar="NAME|PATH", help="See `aez models`.")
@runtime_options
def command(inputs: tuple[str, ...], quality: float, model: str, shared: Shared) -> None:
    """Compress pictures into .aez files, beside the inputs unless -o says otherwise.

    INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for standard input, which goes to standard
    output.
    """
    job = CompressJob(
        quality=quality,
        model=model,
        device=shared.device,
        threads=shared.threads_each,
        max_pixels=shared.max_pixels,
        rules=shared.rules,
    )
    run(job, inputs, shared, suffix=".aez", takes=picture_suffixes)
