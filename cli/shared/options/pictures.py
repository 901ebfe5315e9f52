"""Options for the form of pictures: orientation, metadata, colours."""

import click

from aez.cli.shared.options.types import Function, add_options, parse_colour

_STRIP = click.option("--strip", is_flag=True, help="Leave out EXIF, XMP, and a colour profile for sRGB.")
_TO_SRGB = click.option("--to-srgb", is_flag=True, help="Convert to sRGB, and leave out the colour profile.")


def reading_options(function: Function) -> Function:
    """Add the options of ``read_picture``: ``auto_orient``, ``strip``, ``to_srgb`` and ``frame``."""
    orient = click.option("--auto-orient", is_flag=True, help="Turn the pixels as EXIF says, and set its tag to 1.")
    frame = click.option(
        "--frame",
        type=click.IntRange(1),
        help="Frame or page to take of a file that has several, counted from 1.  [default: the first]",
    )
    return add_options(function, (orient, _STRIP, _TO_SRGB, frame))


def writing_options(function: Function) -> Function:
    """Add the options of ``write_picture``: ``background``, ``auto_orient``, ``strip`` and ``to_srgb``."""
    background = click.option(
        "--background",
        callback=parse_colour,
        default="white",
        show_default=True,
        metavar="COLOUR",
        help="Colour behind transparent pictures in formats without transparency.",
    )
    orient = click.option("--auto-orient", is_flag=True, help="Turn the pixels, and set EXIF's orientation to 1.")
    return add_options(function, (background, orient, _STRIP, _TO_SRGB))
