"""Options of `compress` and `decompress` that concern the picture itself, and what they do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from PIL import Image

    from aez.codec.images import Picture

Function = Callable[..., Any]


def _colour(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int, int]:
    """A colour as Pillow and CSS write it to three levels."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(value)[:3]
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a colour (white, #aabbcc, rgb(10,20,30))", ctx, param) from None
    return red, green, blue


def input_options(function: Function) -> Function:
    """`--alpha-quality`, `--auto-orient`, `--strip` and `--to-srgb` of `compress`."""
    options = (
        click.option(
            "--alpha-quality",
            type=click.FloatRange(1, 100),
            default=100.0,
            show_default=True,
            help="Of transparency alone; 100 keeps it without loss.",
        ),
        click.option("--auto-orient", is_flag=True, help="Turn the pixels as EXIF says, and set its tag to 1."),
        click.option("--strip", is_flag=True, help="Leave EXIF and XMP out, and a profile that says sRGB."),
        click.option("--to-srgb", is_flag=True, help="Convert to sRGB, and leave the profile out."),
    )
    return _decorated(function, options)


def output_options(function: Function) -> Function:
    """`--background`, `--auto-orient`, `--strip` and `--to-srgb` of `decompress`."""
    options = (
        click.option(
            "--background",
            callback=_colour,
            default="white",
            show_default=True,
            metavar="COLOUR",
            help="What transparent pictures are laid on in formats without transparency.",
        ),
        click.option("--auto-orient", is_flag=True, help="Turn the pixels, and set EXIF's orientation to 1."),
        click.option("--strip", is_flag=True, help="Leave EXIF and XMP out, and a profile that says sRGB."),
        click.option("--to-srgb", is_flag=True, help="Convert to sRGB, and leave the profile out."),
    )
    return _decorated(function, options)


def _decorated(function: Function, options: tuple[Function, ...]) -> Function:
    for option in reversed(options):
        function = option(function)
    return function


def picture_to_code(image: "Image.Image", *, auto_orient: bool, strip: bool, to_srgb: bool) -> "Picture":
    """An opened input as what is coded.

    Raises:
        ImageError: the pixels cannot be read.
    """
    from aez.codec.images import from_image, stripped, upright

    picture = from_image(image, srgb=to_srgb)
    if auto_orient:
        picture = upright(picture)
    return stripped(picture) if strip else picture


def output_bytes(
    picture: "Picture",
    kind: str,
    *,
    background: tuple[int, int, int],
    auto_orient: bool,
    strip: bool,
    to_srgb: bool,
) -> tuple[bytes, list[str]]:
    """A decoded picture as a file of one of Pillow's formats, and warnings of what the format cannot hold.

    Raises:
        ImageError: the format cannot hold the picture.
    """
    from aez.codec.images import stripped
    from aez.codec.outputs import fit_to_format, picture_bytes

    fitted = fit_to_format(picture, kind, background=background, auto_orient=auto_orient or strip, srgb=to_srgb)
    return picture_bytes(stripped(fitted) if strip else fitted, kind), fitted.warnings
