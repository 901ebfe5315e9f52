"""PNG plots of a report."""

import io
from collections.abc import Mapping
from typing import Any

from aez.benchmarks.curves import curve_of
from aez.benchmarks.metrics import UNITS
from aez.bitstream.errors import AezError

MARKERS = "os^vDP*X<>p"  # one more than colours, so that pairs repeat late
OURS = "#d62728"
COLOURS = ("#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf", "#3b5b92")


def _figure(title: str) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise AezError("plots need the extra `bench` (pip install 'aez[bench]')") from None
    figure = Figure(figsize=(9.6, 6.4), dpi=125, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=12)
    axes.grid(True, which="both", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def styles(results: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Choose colour, marker and dashes by codec name: aez in red and heavier, published curves thin and dashed."""
    chosen: dict[str, dict[str, Any]] = {}
    for i, codec in enumerate(results["codecs"]):
        ours = codec["name"].startswith("aez")
        chosen[codec["name"]] = {
            "color": OURS if codec["name"] == "aez" else COLOURS[i % len(COLOURS)],
            "marker": "" if codec["published"] else MARKERS[i % len(MARKERS)],
            "linestyle": "--" if codec["published"] else "-",
            "linewidth": 2.6 if ours else 0.9 if codec["published"] else 1.5,
            "zorder": 5 if ours else 2 if codec["published"] else 3,
        }
    return chosen


def rate_distortion(results: Mapping[str, Any], metric: str, most_bpp: float = 3.0) -> bytes:
    """Plot mean curves of all rated codecs, published ones dashed, up to ``most_bpp`` bits per pixel."""
    count = results["set"]["count"]
    figure, axes = _figure(f"{results['title']}: means over {count} picture{'s' if count != 1 else ''}")
    values = []
    for codec in results["codecs"]:
        curve = [point for point in sorted(curve_of(codec, metric)) if point.bpp <= most_bpp]
        if not codec.get("rated", True) or not curve:
            continue
        values += [point.value for point in curve if point.bpp > 0.05]
        style = styles(results)[codec["name"]]
        axes.plot([p.bpp for p in curve], [p.value for p in curve], label=codec["name"], markersize=4.5, **style)
    axes.set_xlabel("bits per pixel")
    axes.set_ylabel(UNITS.get(metric, metric))
    axes.set_xlim(left=0)
    if values:
        axes.legend(fontsize=8, loc="lower right", ncols=2 if len(results["codecs"]) > 12 else 1, framealpha=0.9)
    else:
        axes.text(0.5, 0.5, "nothing measured", ha="center", transform=axes.transAxes)
    return _png(figure)


def speed(results: Mapping[str, Any]) -> bytes:
    """Plot megapixels per second, at the setting nearest to 0.75 bits per pixel, on a log scale."""
    rows = []
    for codec in results["codecs"]:
        timed = [point for point in codec["points"] if point.get("encode_mpps") and not codec["published"]]
        if timed:
            point = min(timed, key=lambda item: abs(item["bpp"] - 0.75))
            rows.append((codec["name"], point["encode_mpps"], point["decode_mpps"]))
    rows.sort(key=lambda row: row[1])
    settings = results["settings"]
    figure, axes = _figure(
        f"{results['title']}: speed near 0.75 bpp, {settings['threads']} threads"
        + (f", {settings['jobs']} jobs at once" if settings["jobs"] > 1 else "")
    )
    if not rows:
        axes.text(0.5, 0.5, "nothing timed", ha="center", transform=axes.transAxes)
        return _png(figure)
    for offset, column, label, colour in ((0.2, 1, "encode", "#1f77b4"), (-0.2, 2, "decode", "#ff7f0e")):
        bars = axes.barh(
            [i + offset for i in range(len(rows))], [row[column] for row in rows], 0.36, label=label, color=colour
        )
        axes.bar_label(bars, fmt="%.3g", fontsize=8, padding=3)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.set_xscale("log")
    axes.set_xlabel("megapixels per second")
    axes.margins(x=0.12)
    axes.legend(loc="lower right")
    return _png(figure)
