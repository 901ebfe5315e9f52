"""BD-rate: percent more bits of a codec than of an anchor at equal quality; lower is better.

Piecewise cubic Hermite interpolation (pchip) of log rate over a metric by the `bjontegaard` package, averaged over an
interval of the metric (PSNR: 28 to 40 dB), or over the part of it that both curves cover. Curves are made monotone.

    python -m aez.benchmarks.bdrate RESULTS.json [MORE.json ...] --anchor jpeg
    python -m aez.benchmarks.bdrate RESULTS.json OTHER.json --same-names
    python -m aez.benchmarks.bdrate --check

The first command prints the BD-rate of every codec in the files against the anchor; the second, of every codec in
the first file against the codec of the same name in the others; the third checks this module.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from aez.benchmarks.commands import run, table
from aez.benchmarks.curves import Curve, Point, monotone, read_curves
from aez.bitstream.errors import AezError


@dataclass(frozen=True)
class Interval:
    """The part of a metric's range that a BD-rate averages over.

    Attributes:
        low: lower end.
        high: upper end.
        least: length that two curves must have in common; an average over less says little about either codec.
        unit: of the metric, with a leading space, for messages.
    """

    low: float
    high: float
    least: float = 2.0
    unit: str = " dB"


PSNR = Interval(28.0, 40.0)
_EVERYTHING = Interval(0.0, 100.0)
INTERVALS = {
    "psnr": PSNR,
    "ms_ssim_db": _EVERYTHING,
    "ssimulacra2": Interval(30.0, 85.0, 10.0, ""),
    "cvvdp": Interval(8.0, 9.9, 0.3, " JOD"),
    "iw_ssim_db": _EVERYTHING,
    "psnr_hvs": _EVERYTHING,
    "lpips_db": _EVERYTHING,
    "flip_db": _EVERYTHING,
}
"""Metrics that BD-rates are computed over."""


@dataclass(frozen=True)
class BDRate:
    """A BD-rate in percent, and the interval of its average, in the unit of the metric."""

    percent: float
    low: float
    high: float


@dataclass(frozen=True)
class BDQuality:
    """A BD-PSNR (or of another metric) in dB, and the interval of its average in bits per pixel."""

    decibels: float
    low: float
    high: float


def overlap(anchor: Curve, test: Curve, interval: Interval = PSNR) -> tuple[float, float] | None:
    """Return the part of an interval of values that both curves cover; None if it is empty."""
    anchor, test = monotone(anchor), monotone(test)
    if min(len(anchor), len(test)) < 2:
        return None
    low = max(interval.low, anchor[0].value, test[0].value)
    high = min(interval.high, anchor[-1].value, test[-1].value)
    return (low, high) if low < high else None


def bd_rate(anchor: Curve, test: Curve, interval: Interval = PSNR, method: str = "pchip") -> BDRate | None:
    """Compute the BD-rate of ``test`` against ``anchor``.

    Args:
        anchor: points in any order; those that break monotony are left out.
        test: the same.
        interval: of the metric; nothing counts below or above.
        method: ``pchip`` or ``akima``.

    Returns:
        None if the curves have too little of the interval in common, or one has fewer than two points.

    Raises:
        AezError: the `bjontegaard` package is not installed.
    """
    common = overlap(anchor, test, interval)
    if common is None or common[1] - common[0] < interval.least:
        return None
    low, high = common
    # The package averages over the whole overlap only, but gives its interpolants away: log10 of rate over quality.
    _, log_anchor, log_test = _package().bd_rate(
        *_columns(anchor), *_columns(test), method=method, require_matching_points=False, interpolators=True,
        min_overlap=0,
    )  # fmt: skip
    difference = float(log_test.integrate(low, high) - log_anchor.integrate(low, high)) / (high - low)
    return BDRate(100 * (10**difference - 1), low, high)


def bd_quality(anchor: Curve, test: Curve) -> BDQuality | None:
    """Compute the gain of ``test`` in dB at equal rate, averaged over the common interval of log rates.

    Returns:
        None if they have less than a doubling of the rate in common, or one has fewer than two points.
    """
    anchor, test = monotone(anchor), monotone(test)
    if min(len(anchor), len(test)) < 2:
        return None
    low, high = max(anchor[0].bpp, test[0].bpp), min(anchor[-1].bpp, test[-1].bpp)
    if high < 2 * low:
        return None
    gain = _package().bd_psnr(
        *_columns(anchor), *_columns(test), method="pchip", require_matching_points=False, min_overlap=0
    )
    return BDQuality(float(gain), low, high)


def _package() -> Any:
    try:
        import bjontegaard
    except ImportError:
        raise AezError("BD-rates need the extra `bench` (pip install 'aez[bench]')") from None
    return bjontegaard


def _columns(curve: Curve) -> tuple[list[float], list[float]]:
    points = monotone(curve)
    return [point.bpp for point in points], [point.value for point in points]


def describe(result: BDRate | None, interval: Interval = PSNR) -> tuple[str, str]:
    """Return percent and interval as text."""
    if result is None:
        return "–", f"refused: less than {interval.least:g}{interval.unit} in common"
    return f"{result.percent:+.2f} %", f"{result.low:.2f}–{result.high:.2f}{interval.unit}"


def self_check() -> float:
    """Compare with the package over the whole overlap, and with an exactly known value on a part.

    Returns:
        The largest difference found, in percentage points.

    Raises:
        AezError: it is 1e-9 or more.
    """
    anchor = [Point(0.15, 24.1), Point(0.4, 28.6), Point(0.9, 32.4), Point(1.8, 36.6), Point(3.3, 41.0)]
    test = [Point(0.12, 25.0), Point(0.3, 29.3), Point(0.7, 33.0), Point(1.5, 37.5)]
    straying = [*test, Point(0.5, 29.0)]  # dearer and worse than a neighbour: must not change anything
    theirs = _package().bd_rate(
        *zip(*anchor, strict=True), *zip(*test, strict=True), "pchip", require_matching_points=False, min_overlap=0
    )
    ours = bd_rate(anchor, straying, _EVERYTHING)
    fifth_less = bd_rate(anchor, [Point(0.8 * point.bpp, point.value) for point in anchor])
    if ours is None or fifth_less is None or (fifth_less.low, fifth_less.high) != (PSNR.low, PSNR.high):
        raise AezError("the BD-rate self-check failed: wrong interval")
    worst = max(abs(ours.percent - float(theirs)), abs(fifth_less.percent + 20))
    if worst >= 1e-9:
        raise AezError(f"the BD-rate self-check failed: off by {worst:.3g} percentage points")
    return worst


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--anchor", default="jpeg", show_default=True, help="Codec to compare with.")
@click.option("--same-names", is_flag=True, help="Compare the first file's codecs with those of the other files.")
@click.option("--metric", type=click.Choice(list(INTERVALS)), default="psnr", show_default=True, help="Quality.")
@click.option("--low", type=float, help="Lower end of the metric's interval.  [default: the metric's own, PSNR 28 dB]")
@click.option("--high", type=float, help="Upper end of the metric's interval.  [default: the metric's own, PSNR 40 dB]")
@click.option("--check", is_flag=True, help="Run the self-check instead.")
def command(
    files: tuple[Path, ...], anchor: str, same_names: bool, metric: str, low: float | None, high: float | None,
    check: bool,
) -> None:  # fmt: skip
    """Print the BD-rate of every curve in FILES (JSON) against an anchor among them."""
    if check:
        click.echo(f"self-check passed, largest difference {self_check():.1e} percentage points")
        return
    own = INTERVALS[metric]
    interval = replace(own, low=own.low if low is None else low, high=own.high if high is None else high)
    every = [(path, read_curves(path, metric)) for path in files]

    def described(base: Curve, curve: Curve) -> tuple[str, str]:
        return describe(bd_rate(base, curve, interval), interval)

    if same_names:
        pairs = [
            (name, path.name, *described(curve, every[0][1][name]))
            for path, curves in every[1:]
            for name, curve in curves.items()
            if name in every[0][1]
        ]
        click.echo(table(("codec", "against the same of", "BD-rate", "over"), pairs))
        return
    base = next((curves[anchor] for _, curves in every if anchor in curves), None)
    if base is None:
        raise AezError(f"none of the files has a curve named {anchor!r} with {metric}")
    rows = [(name, path.name, *described(base, curve)) for path, curves in every for name, curve in curves.items()]
    click.echo(table(("codec", "file", f"BD-rate vs {anchor}", "over"), rows))


if __name__ == "__main__":
    run(command)
