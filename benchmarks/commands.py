"""Options, tables and error handling of all benchmark commands."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from aez.bitstream.errors import AezError
from aez.codec.model.registry import DEFAULT_MODEL

Function = Callable[..., Any]


def picture_options(first: int | None = None) -> Callable[[Function], Function]:
    """Add the argument FOLDER and the options `--first` and `--model`.

    Args:
        first: default number of pictures; None for all.
    """

    def decorate(function: Function) -> Function:
        options = (
            click.argument("folder", type=click.Path(path_type=Path)),
            click.option(
                "--first",
                type=click.IntRange(min=1),
                default=first,
                help=f"Use only the first N pictures by name.  [default: {first or 'all'}]",
                metavar="N",
            ),
            model_option,
        )
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def model_option(function: Function) -> Function:
    """Add `--model`."""
    option = click.option(
        "--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH", help="Packaged model or weights file."
    )
    return option(function)


def quality_option(*default: float) -> Callable[[Function], Function]:
    """Add the repeatable option `-q`, passed as ``qualities``."""
    return click.option(
        "-q",
        "--quality",
        "qualities",
        type=click.FloatRange(1, 100),
        multiple=True,
        default=default,
        show_default=True,
        help="Quality; may be repeated.",
    )


def run(command: click.Command) -> NoReturn:
    """Run a command; print an AezError as one line on standard error, and exit with code 1."""
    try:
        command.main()
    except AezError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None
    raise SystemExit(0)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format rows under a header, the first column flush left and the others flush right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = []
    for name, *cells in (header, *rows):
        padded = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *padded]).rstrip())
    return "\n".join(lines)
