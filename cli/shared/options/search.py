"""Options of the commands that optimise the codec's latents."""

from collections.abc import Callable
from typing import Any

import click

Function = Callable[..., Any]


def search_options(function: Function) -> Function:
    """Add `--steps` and `--model`; each command has its own default of steps."""
    options = (
        click.option(
            "--steps",
            type=click.IntRange(min=0),
            metavar="N",
            help="Optimisation steps: more is better and slower.",
        ),
        click.option("--model", default="photo", show_default=True, metavar="NAME|PATH", help="See `aez models`."),
    )
    for option in reversed(options):
        function = option(function)
    return function
