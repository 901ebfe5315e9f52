"""Rate–distortion curves, and the JSON files that hold them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from aez.bitstream.errors import AezError

SCHEMA = "aez-bench-1"
"""Schema that every file of results or published curves names; README.md beside this file describes it."""


class Point(NamedTuple):
    """Means over a set of pictures at one setting: bits per pixel, and a metric in dB that rises with quality."""

    bpp: float
    value: float


Curve = list[Point]


def monotone(points: Iterable[Point]) -> Curve:
    """Sort points by rate, and drop those whose value is not higher than at every lower rate."""
    curve: Curve = []
    for point in sorted(points):
        if not curve or (point.value > curve[-1].value and point.bpp > curve[-1].bpp):
            curve.append(point)
    return curve


def curve_of(codec: dict[str, Any], metric: str = "psnr") -> Curve:
    """Return the curve of one entry of ``codecs``; empty if it lacks the metric."""
    return [
        Point(float(point["bpp"]), float(point[metric]))
        for point in codec["points"]
        if point.get(metric) is not None and point.get("bpp") is not None
    ]


def read_results(path: Path) -> dict[str, Any]:
    """Read a file of results or of published curves.

    Raises:
        AezError: the file cannot be read or is none.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise ValueError(content["schema"])
        for codec in content["codecs"]:
            str(codec["name"]), curve_of(codec)
        return content
    except OSError as error:
        raise AezError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise AezError(f"{path}: not a file of results or curves ({SCHEMA})") from None


def read_curves(path: Path, metric: str = "psnr") -> dict[str, Curve]:
    """Read curves by codec name; errors as :func:`read_results`."""
    curves = {codec["name"]: curve_of(codec, metric) for codec in read_results(path)["codecs"]}
    return {name: curve for name, curve in curves.items() if curve}
