"""Types of option values that click does not have."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import click

Function = Callable[..., Any]
_UNITS = {"": 1, "B": 1, "KB": 1000, "KIB": 1024, "MB": 10**6, "MIB": 2**20, "GB": 10**9, "GIB": 2**30}


class Number(click.FloatRange):
    """A finite number within a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert text to a number; the base class accepts ``nan``, and ``inf`` without an upper bound."""
        number = super().convert(value, param, ctx)
        return number if math.isfinite(number) else self.fail(f"{value!r} is not a finite number", param, ctx)


class Size(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A number of bytes with an optional unit: 20000, 20kB, 20KiB, 1.5MB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Convert text to bytes."""
        text = str(value).strip()
        digits = text.rstrip("kKmMgGiIbB").strip()
        unit = text[len(digits) :].strip().upper()
        try:
            size = float(digits) * _UNITS[unit]
            if 1 <= size < 2**53:
                return int(size)
        except (KeyError, ValueError):
            pass
        self.fail(f"{value!r} is not a size (examples: 20000, 20kB, 1.5MB)", param, ctx)


def parse_colour(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int, int]:
    """Convert a colour in the notation of Pillow and CSS to RGB levels."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(value)[:3]
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a colour (white, #aabbcc, rgb(10,20,30))", ctx, param) from None
    return red, green, blue


def parse_region(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int, int, int] | None:
    """Convert ``X,Y,W,H`` to four integers."""
    if value is None:
        return None
    try:
        x, y, width, height = (int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not X,Y,W,H, four whole numbers", ctx, param) from None
    return x, y, width, height


def split_list(values: Sequence[str]) -> list[str]:
    """Split the values of a repeatable option at commas, and remove duplicates."""
    return list(dict.fromkeys(item.strip() for value in values for item in value.split(",") if item.strip()))


def add_options(function: Function, options: Sequence[Function]) -> Function:
    """Add click options to a command so that its help lists them in the given order."""
    for option in reversed(options):
        function = option(function)
    return function
