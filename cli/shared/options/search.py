"""Options of the commands that search the codec's latents."""

from collections.abc import Callable
from typing import Any

import click

Function = Callable[..., Any]


def search_options(function: Function) -> Function:
    """`--steps` and `--model`; without the first a command takes its own number."""
    options = (
        click.option(
            "--steps",
            type=click.IntRange(min=0),
            metavar="N",
            help="Of the search for the picture that is cheapest to code: more is better and slower.",
        ),
        click.option("--model", default="photo", show_default=True, metavar="NAME|PATH", help="See `aez models`."),
    )
    for option in reversed(options):
        function = option(function)
    return function
