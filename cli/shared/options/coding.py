"""All options of encoding and decoding, and the arguments of the codec that they stand for."""

from typing import Any

import click

from aez.bitstream.header import DEPTHS
from aez.cli.shared.options.types import Function, Number, Size, add_options, parse_region
from aez.codec.encoding.effort import EFFORT_MAX
from aez.codec.encoding.target import Target
from aez.codec.model.quality import QUALITY_MAX, QUALITY_MIN
from aez.codec.options import CONTENTS, EncodeOptions


def encode_options(function: Function) -> Function:
    """Add the options of encoding; :func:`options_of` takes their values."""
    options = (
        click.option(
            "-q",
            "--quality",
            type=Number(QUALITY_MIN, QUALITY_MAX),
            help=f"Quality from 1 (smallest file) to 100 (best); fractions work.  [default: {EncodeOptions.quality:g}]",
        ),
        click.option(
            "--target-size",
            type=Size(),
            help="Largest size of a file in bytes, in place of a quality: 20000, 20kB, 1.5MB.",
        ),
        click.option("--target-bpp", type=Number(0, min_open=True), help="Largest size of a file in bits per pixel."),
        click.option("--target-psnr", type=Number(0, min_open=True), help="PSNR in dB that a file must reach."),
        click.option(
            "--target-score",
            type=Number(0, 100, min_open=True, max_open=True),
            help="SSIMULACRA 2 score that a file must reach: 90 is hardly visible, 70 high quality, 50 medium.",
        ),
        click.option(
            "--effort",
            type=click.IntRange(0, EFFORT_MAX),
            default=EncodeOptions.effort,
            show_default=True,
            help="Encoding time per picture, from 0 (fastest) to 9 (smallest files); decoding time is the same.",
        ),
        click.option(
            "--alpha-quality",
            type=Number(QUALITY_MIN, QUALITY_MAX),
            default=EncodeOptions.alpha_quality,
            show_default=True,
            help="Quality of the transparency; 100 is lossless.",
        ),
        click.option("--preview", is_flag=True, help="Store a small preview that can be read on its own."),
        click.option(
            "--content",
            type=click.Choice(CONTENTS),
            default=EncodeOptions.content,
            show_default=True,
            help="Keep text, drawings and screens without loss, or with fewer colours at low qualities: where that "
            "takes fewer bytes (auto), nowhere (photo), or everywhere (graphics).",
        ),
        click.option("--lossless", is_flag=True, help="Keep every sample exactly, in place of a quality."),
        click.option(
            "--depth",
            type=click.Choice([str(depth) for depth in DEPTHS]),
            callback=lambda _, __, value: None if value is None else int(value),
            help="Bits per sample of decoded pictures.  [default: those of the input]",
        ),
    )
    return add_options(function, options)


def options_of(
    *,
    quality: float | None,
    target_size: int | None,
    target_bpp: float | None,
    target_psnr: float | None,
    target_score: float | None,
    lossless: bool,
    **others: Any,
) -> EncodeOptions:
    """Make the codec's options of the values of :func:`encode_options`.

    Raises:
        click.UsageError: more than one of quality, targets and lossless coding is given, or an option excludes them.
    """
    targets = {
        "--target-size": target_size,
        "--target-bpp": target_bpp,
        "--target-psnr": target_psnr,
        "--target-score": target_score,
    }
    given = [name for name, value in {"--quality": quality, **targets}.items() if value is not None]
    given += ["--lossless"] * lossless
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")
    wanted = any(value is not None for value in targets.values())
    target = Target(target_size, target_bpp, target_psnr, target_score) if wanted else None
    try:
        return EncodeOptions.of(quality, target=target, lossless=lossless, **others)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def decode_options(function: Function) -> Function:
    """Add the options of decoding; :func:`decode_arguments` takes their values."""
    options = (
        click.option(
            "--region",
            callback=parse_region,
            metavar="X,Y,W,H",
            help="Decode only this part of the displayed picture: first column and row, width and height.",
        ),
        click.option(
            "--scale",
            type=click.Choice(["1", "1/2", "1/4", "1/8", "1/16"]),
            default="1",
            show_default=True,
            help="Decode a smaller picture; 1/8 and 1/16 are fast.",
        ),
        click.option(
            "--preview",
            is_flag=True,
            help="Decode the stored preview; if there is none, the smallest scale with a side of 256 pixels or more.",
        ),
    )
    return add_options(function, options)


def decode_arguments(*, region: tuple[int, int, int, int] | None, scale: str, preview: bool) -> dict[str, Any]:
    """Return what to decode of a file as ``region``, ``scale`` (a fraction as text) and ``preview``.

    Raises:
        click.UsageError: the options exclude each other.
    """
    if preview and (region or scale != "1"):
        raise click.UsageError("--preview excludes --region and --scale")
    return {"region": region, "scale": scale, "preview": preview}
