"""BD-rate: how many percent more bits a codec needs than an anchor at equal PSNR; lower is better.

Piecewise cubic Hermite interpolation (pchip) of log rate over PSNR by the `bjontegaard` package, averaged from 28 to
40 dB or over the part of that which both curves cover. Curves are made monotone first.

    python -m aez.benchmarks.bdrate RESULTS.json [MORE.json ...] --anchor jpeg
    python -m aez.benchmarks.bdrate --check

The first prints the BD-rate of every codec in the files against the anchor, the second checks this module.
"""

from dataclasses import dataclass
from pathlib import Path

import click

from aez.benchmarks.console import interval_options, run, table
from aez.benchmarks.curves import Curve, Point, monotone, read_curves
from aez.bitstream.errors import AezError

LOW, HIGH = 28.0, 40.0


@dataclass(frozen=True)
class BDRate:
    """A BD-rate in percent, and the PSNR interval in dB that it was averaged over."""

    percent: float
    low: float
    high: float


def bd_rate(anchor: Curve, test: Curve, low: float = LOW, high: float = HIGH) -> BDRate | None:
    """BD-rate of ``test`` against ``anchor``.

    Args:
        anchor: points in any order; those that break monotony are left out.
        test: the same.
        low: PSNR in dB below which nothing counts.
        high: PSNR in dB above which nothing counts.

    Returns:
        None if the curves have no part of the interval in common, or one has fewer than two points.

    Raises:
        AezError: the `bjontegaard` package is not installed.
    """
    try:
        import bjontegaard
    except ImportError:
        raise AezError("BD-rates need the extra `bench` (pip install 'aez[bench]')") from None
    anchor, test = monotone(anchor), monotone(test)
    if min(len(anchor), len(test)) < 2:
        return None
    low = max(low, anchor[0].psnr, test[0].psnr)
    high = min(high, anchor[-1].psnr, test[-1].psnr)
    if low >= high:
        return None
    # The package averages over the whole overlap only, but gives its interpolants away: log10 of rate over PSNR.
    _, log_anchor, log_test = bjontegaard.bd_rate(
        [point.bpp for point in anchor],
        [point.psnr for point in anchor],
        [point.bpp for point in test],
        [point.psnr for point in test],
        method="pchip",
        require_matching_points=False,
        interpolators=True,
        min_overlap=0,
    )
    difference = float(log_test.integrate(low, high) - log_anchor.integrate(low, high)) / (high - low)
    return BDRate(100 * (10**difference - 1), low, high)


def describe(result: BDRate | None) -> tuple[str, str]:
    """Percent and interval as text."""
    if result is None:
        return "–", "no overlap"
    return f"{result.percent:+.2f} %", f"{result.low:.2f}–{result.high:.2f} dB"


def self_check() -> float:
    """Compare with the package over the whole overlap, and with what is known exactly on a part of it.

    Returns:
        The largest difference found, in percentage points.

    Raises:
        AezError: it is 1e-9 or more.
    """
    import bjontegaard

    anchor = [Point(0.15, 24.1), Point(0.4, 28.6), Point(0.9, 32.4), Point(1.8, 36.6), Point(3.3, 41.0)]
    test = [Point(0.12, 25.0), Point(0.3, 29.3), Point(0.7, 33.0), Point(1.5, 37.5)]
    straying = [*test, Point(0.5, 29.0)]  # dearer and worse than a neighbour: must not change anything
    theirs = bjontegaard.bd_rate(
        *zip(*anchor, strict=True), *zip(*test, strict=True), "pchip", require_matching_points=False, min_overlap=0
    )
    ours = bd_rate(anchor, straying, 0.0, 100.0)
    fifth_less = bd_rate(anchor, [Point(0.8 * point.bpp, point.psnr) for point in anchor])
    if ours is None or fifth_less is None or (fifth_less.low, fifth_less.high) != (LOW, HIGH):
        raise AezError("the BD-rate self-check failed: wrong interval")
    worst = max(abs(ours.percent - float(theirs)), abs(fifth_less.percent + 20))
    if worst >= 1e-9:
        raise AezError(f"the BD-rate self-check failed: off by {worst:.3g} percentage points")
    return worst


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--anchor", default="jpeg", show_default=True, help="Codec to compare with.")
@interval_options
@click.option("--check", is_flag=True, help="Run the self-check instead.")
def command(files: tuple[Path, ...], anchor: str, low: float, high: float, check: bool) -> None:
    """BD-rate of every curve in FILES (JSON) against an anchor among them."""
    if check:
        click.echo(f"self-check passed, largest difference {self_check():.1e} percentage points")
        return
    every = [(path, read_curves(path)) for path in files]
    base = next((curves[anchor] for _, curves in every if anchor in curves), None)
    if base is None:
        raise AezError(f"none of the files has a curve named {anchor!r}")
    rows = [
        (name, path.name, *describe(bd_rate(base, curve, low, high)))
        for path, curves in every
        for name, curve in curves.items()
    ]
    click.echo(table(("codec", "file", f"BD-rate vs {anchor}", "over"), rows))


if __name__ == "__main__":
    run(command)
