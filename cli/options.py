"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

from aez.bitstream.limits import DEFAULT_MAX_PIXELS

Function = Callable[..., Any]


def runtime_options(function: Function) -> Function:
    """`-o`, `--device`, `--threads`, `--max-pixels`, `--quiet` and `--overwrite`."""
    options = (
        click.option(
            "-o",
            "--output",
            "out",
            metavar="OUT",
            help="Output file; or a folder: one that exists, ends in / or is for several inputs.",
        ),
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "cuda", "mps"]),
            default="auto",
            show_default=True,
            help="Where the networks run.",
        ),
        click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: one a core]"),
        click.option(
            "--max-pixels",
            type=click.IntRange(min=1),
            default=DEFAULT_MAX_PIXELS,
            show_default=True,
            help="Refuse larger pictures.",
        ),
        click.option("--quiet", is_flag=True, help="Print errors and warnings only."),
        click.option("--overwrite", is_flag=True, help="Replace outputs that exist."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def set_up_process(threads: int | None) -> None:
    """CPU threads of the networks, and memory kept from picture to picture."""
    from aez.codec.memory import keep_freed_memory

    keep_freed_memory()
    if threads:
        import torch

        torch.set_num_threads(threads)
