"""Options of `aez compress` that say how large or how good a file shall be, and what that may cost."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from aez.codec.base import Progress
    from aez.codec.encoding.target import Target
    from aez.codec.picture.picture import Picture

Function = Callable[..., Any]
DEFAULT_QUALITY, DEFAULT_EFFORT = 50.0, 2
_UNITS = {"": 1, "B": 1, "KB": 1000, "KIB": 1024, "MB": 10**6, "MIB": 2**20}


class Number(click.FloatRange):
    """A range that neither `nan` nor `inf` is in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As the base class, which lets `nan` through, and `inf` where there is no upper end."""
        number = super().convert(value, param, ctx)
        return number if math.isfinite(number) else self.fail(f"{value!r} is not a finite number", param, ctx)


class Size(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """Bytes, with an optional unit: 20000, 20kB, 20KiB, 1.5MB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Text to bytes."""
        text = str(value).strip()
        digits = text.rstrip("kKmMiIbB").strip()
        unit = text[len(digits) :].strip().upper()
        try:
            size = float(digits) * _UNITS[unit]
            if 1 <= size < 2**53:
                return int(size)
        except (KeyError, ValueError):
            pass
        self.fail(f"{value!r} is not a size (examples: 20000, 20kB, 1.5MB)", param, ctx)


@dataclass(frozen=True)
class Rate:
    """What was asked for: a quality, or a target in its place."""

    quality: float
    target: "Target | None"
    effort: int

    def encode(
        self, codec: "Codec", picture: "Picture", progress: "Progress | None", *, alpha_quality: float, preview: bool
    ) -> bytes:
        """A picture as the bytes of a file; progress is told for a quality only, a search has no known end."""
        if self.target is not None:
            return codec.encode_to(
                picture, self.target, effort=self.effort, alpha_quality=alpha_quality, preview=preview
            )
        return codec.encode(
            picture,
            self.quality,
            effort=self.effort,
            alpha_quality=alpha_quality,
            preview=preview,
            progress=progress,
        )


def rate_options(function: Function) -> Function:
    """`--quality`, `--target-size`, `--target-bpp`, `--target-psnr` and `--effort`."""
    options = (
        click.option(
            "-q",
            "--quality",
            type=Number(1, 100),
            help=f"1 (smallest) to 100 (best); fractions work.  [default: {DEFAULT_QUALITY:g}]",
        ),
        click.option(
            "--target-size",
            type=Size(),
            help="Bytes that a file may have at most: 20000, 20kB, 1.5MB.",
        ),
        click.option("--target-bpp", type=Number(0, min_open=True), help="The same in bits a pixel."),
        click.option(
            "--target-psnr",
            type=Number(0, min_open=True),
            help="PSNR in dB that a file must reach.",
        ),
        click.option(
            "--effort",
            type=click.IntRange(0, 9),
            default=DEFAULT_EFFORT,
            show_default=True,
            help="0 (quickest) to 9 (smallest files): time spent on each picture; decoding is the same.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def rate_of(quality: float | None, size: int | None, bpp: float | None, psnr: float | None, effort: int) -> Rate:
    """What the options say together.

    Raises:
        click.UsageError: more than one of quality and targets is given.
    """
    given = [
        name
        for name, value in (
            ("--quality", quality),
            ("--target-size", size),
            ("--target-bpp", bpp),
            ("--target-psnr", psnr),
        )
        if value is not None
    ]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")
    if size is None and bpp is None and psnr is None:
        return Rate(DEFAULT_QUALITY if quality is None else quality, None, effort)
    from aez.codec.encoding.target import Target

    return Rate(DEFAULT_QUALITY, Target(size, bpp, psnr), effort)
