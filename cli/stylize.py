"""`aez stylize`."""

import click

from aez.cli.shared.options.common import device_option
from aez.cli.shared.options.limits import max_pixels_option
from aez.cli.shared.options.types import Number
from aez.codec.family.ranges import MAX_STYLE_SIDE, MIN_STYLE_SIDE, STYLE_SIDE
from aez.codec.model.quality import QUALITY_MAX, QUALITY_MIN


@click.command()
@click.argument("content")
@click.option("--style", required=True, metavar="PICTURE", help="Picture that gives the style.")
@click.option(
    "-o",
    "--output",
    "out",
    required=True,
    metavar="OUT",
    help="Output file: .aez, or any suffix that Pillow can write.",
)
@click.option(
    "--strength", type=Number(0, 1), default=1.0, show_default=True, help="Strength from 0 (content unchanged) to 1."
)
@click.option(
    "--style-size",
    type=click.IntRange(MIN_STYLE_SIDE, MAX_STYLE_SIDE),
    default=STYLE_SIDE,
    show_default=True,
    metavar="PIXELS",
    help="Size that the style's longer side is reduced to; smaller gives finer strokes.",
)
@click.option(
    "-q",
    "--quality",
    type=Number(QUALITY_MIN, QUALITY_MAX),
    default=75.0,
    show_default=True,
    help="Quality of an .aez output.",
)
@device_option
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.")
@max_pixels_option
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
def command(
    content: str,
    style: str,
    out: str,
    strength: float,
    style_size: int,
    quality: float,
    device: str,
    threads: int | None,
    max_pixels: int,
    overwrite: bool,
) -> None:
    """Paint the picture CONTENT in the style of another.

    Inputs are .aez files, or pictures of any size that Pillow can read. The output is in sRGB, in the orientation for
    display.
    """
    from aez.cli.shared import storage
    from aez.cli.shared.console import say
    from aez.cli.shared.options.runtime import set_up_process
    from aez.cli.shared.paths import check_output
    from aez.cli.shared.picture_files import any_bytes, check_kind, read_any

    for source, replace in ((content, True), (style, True), (content, overwrite)):
        check_output(source, out, replace)
    check_kind(out)
    picture, manner = read_any(content, max_pixels), read_any(style, max_pixels)
    set_up_process(threads)
    from aez.codec.family.style.stylize import stylize_picture

    made = stylize_picture(picture, manner, strength, style_side=style_size, device=device)
    data, warnings = any_bytes(made, out, quality)
    storage.write_bytes(out, data, replace=overwrite, mode=storage.mode_like(content))
    for warning in (*picture.warnings, *warnings):
        say(f"aez: warning: {storage.shown(content)}: {warning}", err=True)
    height, width = made.samples.shape[:2]
    say(f"{storage.shown(content)} → {out}: {width}×{height}, {len(data)} bytes")
