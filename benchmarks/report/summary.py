"""The table that `aez bench` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from aez.benchmarks.commands import table


def results_table(results: Mapping[str, Any]) -> str:
    """Format the BD-rates of a run against its JPEG (or first codec), and the speed of its codecs."""
    measured = [codec for codec in results["codecs"] if not codec["published"]]
    names = [codec["name"] for codec in measured]
    anchor = "jpeg" if "jpeg" in names else names[0]
    rows = []
    for codec in results["codecs"]:
        points = codec["points"]
        percent, over = _against(results["bd"]["psnr"], anchor, codec["name"])
        seen, _ = _against(results["bd"]["ssimulacra2"], anchor, codec["name"])
        middle = points[len(points) // 2] if points and not codec["published"] else {}
        speeds = [f"{middle[key]:.2f}" if middle.get(key) else "" for key in ("encode_mpps", "decode_mpps")]
        rows.append((codec["name"], percent, over, seen, *speeds))
    return table(("codec", f"BD-rate vs {anchor}, PSNR", "over", "SSIMULACRA 2", "encode MP/s", "decode MP/s"), rows)


def _against(cells: Sequence[Mapping[str, Any]], anchor: str, test: str) -> tuple[str, str]:
    """Return the BD-rate of one codec against another, and the interval that it covers."""
    for cell in cells:
        if (cell["anchor"], cell["test"]) == (anchor, test):
            if cell["percent"] is None:
                return "–", cell["refused"]
            return f"{cell['percent']:+.1f} %", f"{cell['low']:.1f}–{cell['high']:.1f} dB"
    return "–", ""
