"""Options for what a file may ask for; their names and defaults are those of :class:`aez.bitstream.Limits`."""

import functools
from typing import Any

import click

from aez.bitstream.limits import Limits
from aez.cli.shared.options.types import Function, Size, add_options

_OTHERS = {
    "max_side": (click.IntRange(min=1), "Refuse pictures with a longer side."),
    "max_memory": (Size(), "Refuse files whose decoding takes more memory, in bytes or as 500MB or 2GiB."),
    "max_symbols": (click.IntRange(min=1), "Refuse files with more symbols to decode."),
    "max_metadata": (Size(), "Refuse files with more bytes of metadata."),
    "max_chunks": (click.IntRange(min=1), "Refuse files with more chunks besides the tiles."),
    "max_pixels_per_byte": (click.IntRange(min=1), "Refuse files with more pixels per byte."),
}


def max_pixels_option(function: Function) -> Function:
    """Add `--max-pixels`."""
    option = click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        default=Limits.max_pixels,
        show_default=True,
        help="Refuse larger pictures.",
    )
    return option(function)


def limit_options(function: Function) -> Function:
    """Add options for all other limits; the command gets them as ``limits``, arguments of ``Limits``."""
    options = [
        click.option(
            f"--{name.replace('_', '-')}", type=kind, default=getattr(Limits, name), show_default=True, help=text
        )
        for name, (kind, text) in _OTHERS.items()
    ]

    @functools.wraps(function)
    def with_limits(**values: Any) -> Any:
        return function(limits={name: values.pop(name) for name in _OTHERS}, **values)

    return add_options(with_limits, options)
