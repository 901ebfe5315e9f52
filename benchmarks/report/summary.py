"""The table that `aez bench` prints."""

from collections.abc import Mapping
from typing import Any

from aez.benchmarks.commands import table


def results_table(results: Mapping[str, Any]) -> str:
    """Format the BD-rates of a run against its JPEG (or first codec), and the speed of its codecs."""
    measured = [codec for codec in results["codecs"] if not codec["published"]]
    names = [codec["name"] for codec in measured]
    anchor = "jpeg" if "jpeg" in names else names[0]
    cells = {cell["test"]: cell for cell in results["bd"]["psnr"] if cell["anchor"] == anchor}
    rows = []
    for codec in results["codecs"]:
        cell, points = cells.get(codec["name"], {}), codec["points"]
        percent = "–" if cell.get("percent") is None else f"{cell['percent']:+.1f} %"
        over = f"{cell['low']:.1f}–{cell['high']:.1f} dB" if "low" in cell else cell.get("refused", "")
        middle = points[len(points) // 2] if points and not codec["published"] else {}
        speeds = [f"{middle[key]:.2f}" if middle.get(key) else "" for key in ("encode_mpps", "decode_mpps")]
        rows.append((codec["name"], percent, over, *speeds))
    return table(("codec", f"BD-rate vs {anchor}", "over", "encode MP/s", "decode MP/s"), rows)
