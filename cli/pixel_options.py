"""Options of `compress` and `decompress` that concern the picture itself, and what they do."""

import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aez.bitstream import AezError, Limits, read_header
from aez.cli.rate_options import Number
from aez.cli.storage import is_local, read_bytes

if TYPE_CHECKING:
    from aez.codec.codec import Codec
    from aez.codec.picture.picture import Picture

Function = Callable[..., Any]


def _colour(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int, int]:
    """A colour as Pillow and CSS write it to three levels."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(value)[:3]
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a colour (white, #aabbcc, rgb(10,20,30))", ctx, param) from None
    return red, green, blue


def _region(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int, int, int] | None:
    """Four whole numbers."""
    if value is None:
        return None
    try:
        x, y, width, height = (int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not X,Y,W,H, four whole numbers", ctx, param) from None
    return x, y, width, height


def input_options(function: Function) -> Function:
    """What of the input `compress` keeps, and in which form."""
    options = (
        click.option(
            "--alpha-quality",
            type=Number(1, 100),
            default=100.0,
            show_default=True,
            help="Of transparency alone; 100 keeps it without loss.",
        ),
        click.option("--auto-orient", is_flag=True, help="Turn the pixels as EXIF says, and set its tag to 1."),
        click.option("--strip", is_flag=True, help="Leave EXIF and XMP out, and a profile that says sRGB."),
        click.option("--to-srgb", is_flag=True, help="Convert to sRGB, and leave the profile out."),
        click.option("--preview", is_flag=True, help="Put a small picture in front, which is read alone."),
    )
    return _decorated(function, options)


def output_options(function: Function) -> Function:
    """What part of the picture `decompress` gives, and in which form."""
    options = (
        click.option(
            "--region",
            callback=_region,
            metavar="X,Y,W,H",
            help="Decode only this part: first column and row, width and height, of the picture as it is seen.",
        ),
        click.option(
            "--scale",
            type=click.Choice(["1", "1/2", "1/4", "1/8", "1/16"]),
            default="1",
            show_default=True,
            help="Decode a smaller picture; 1/8 and 1/16 are quick.",
        ),
        click.option("--preview", is_flag=True, help="Decode the preview, or a small picture if there is none."),
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


def decoded_picture(
    codec: "Codec",
    data: bytes | mmap.mmap,
    *,
    region: tuple[int, int, int, int] | None,
    scale: str,
    preview: bool,
    limits: Limits,
    progress: Callable[[float], None] | None,
) -> "Picture":
    """What the options ask for of a file.

    Raises:
        AezError: the file is damaged, or the region not within the picture.
    """
    from aez.codec.decoding.previews import preview_reduction, stored_preview

    header = read_header(data, limits)
    share = Fraction(scale)
    if preview:
        stored = stored_preview(data, limits)
        if stored is not None:
            return codec.decode_picture(stored, limits=limits)
        share = Fraction(1, preview_reduction(header))
    return codec.decode_picture(data, region=region, scale=share, seen=True, limits=limits, progress=progress)


@contextmanager
def opened_input(place: str, *, partly: bool) -> Iterator[bytes | mmap.mmap]:
    """A file's bytes; if only parts of it will be looked at, mapped, so that only those are read.

    Raises:
        AezError: it is missing, a folder or cannot be read.
    """
    path = Path(place)
    if not partly or not is_local(place) or not path.is_file() or path.stat().st_size == 0:
        yield read_bytes(place)
        return
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped
    except OSError as error:
        raise AezError(f"{path}: cannot be read ({error.strerror})") from None


def output_bytes(
    picture: "Picture",
    kind: str,
    *,
    background: tuple[int, int, int],
    auto_orient: bool,
    strip: bool,
    to_srgb: bool,
) -> tuple[memoryview, list[str]]:
    """A decoded picture as a file of one of Pillow's formats, and warnings of what the format cannot hold.

    Raises:
        ImageError: the format cannot hold the picture.
    """
    from aez.codec.picture.outputs import fit_to_format, picture_bytes
    from aez.codec.picture.picture import stripped

    fitted = fit_to_format(picture, kind, background=background, auto_orient=auto_orient or strip, srgb=to_srgb)
    return picture_bytes(stripped(fitted) if strip else fitted, kind), fitted.warnings
