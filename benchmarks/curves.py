"""Rate–distortion curves, and the JSON files that hold them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from aez.bitstream.errors import AezError


class Point(NamedTuple):
    """Means over a set of pictures at one setting: bits a pixel and PSNR in dB."""

    bpp: float
    psnr: float


Curve = list[Point]


def monotone(points: Iterable[Point]) -> Curve:
    """Points by rising rate, those left out that do not have a higher PSNR than every cheaper one."""
    curve: Curve = []
    for point in sorted(points):
        if not curve or (point.psnr > curve[-1].psnr and point.bpp > curve[-1].bpp):
            curve.append(point)
    return curve


def read_curves(path: Path) -> dict[str, Curve]:
    """Curves by codec name, of either of two layouts.

    ``{"codecs": {name: [{"bpp": …, "psnr": …}, …]}}`` is that of our own results; published figures come as
    ``{name: {optimised_for: {"bpp": […], "psnr": […]}}}``, of which only those optimised for ``mse`` are read.

    Raises:
        AezError: the file cannot be read or has another layout.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if "codecs" in content:
            return {
                name: [Point(float(point["bpp"]), float(point["psnr"])) for point in points]
                for name, points in content["codecs"].items()
            }
        return {
            name: [Point(*pair) for pair in zip(kinds["mse"]["bpp"], kinds["mse"]["psnr"], strict=True)]
            for name, kinds in content.items()
            if "mse" in kinds
        }
    except OSError as error:
        raise AezError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise AezError(f"{path}: not a file of rate–distortion curves") from None
