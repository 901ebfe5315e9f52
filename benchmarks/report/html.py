"""``report.html``: one file with its data, pictures and scripts inside, which needs no network."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from html import escape
from importlib.resources import files
from typing import Any

from aez.benchmarks.bdrate import INTERVALS
from aez.benchmarks.metrics import UNITS
from aez.benchmarks.report.plots import styles
from aez.benchmarks.report.results_file import Report, rounded
from aez.benchmarks.report.viewer import ViewerLimits, viewer_pictures
from aez.bitstream.errors import AezError


def write_html(report: Report, results: Mapping[str, Any], limits: ViewerLimits, say: Callable[[str], None]) -> str:
    """Return the page.

    Args:
        report: the run; its codecs make the viewer's pictures.
        results: content of ``results.json``.
        limits: of the viewer.
        say: function that prints a line for everything left out.

    Raises:
        AezError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise AezError("the report needs plotly: pip install 'aez[bench]'") from None
    adapters = [adapter for adapter, table in report.codecs if adapter.rated and table]
    shown = viewer_pictures(report.pictures, adapters, limits, report.settings.metrics, say)
    data = {
        "results": results,
        "units": UNITS,
        "intervals": {name: asdict(interval) for name, interval in INTERVALS.items()},
        "styles": {
            name: {
                "color": style["color"],
                "dash": "dash" if style["linestyle"] == "--" else "solid",
                "width": style["linewidth"],
            }
            for name, style in styles(results).items()
        },
        "viewer": shown,
    }
    page = files("aez.benchmarks.report.page")
    text = page.joinpath("report.html").read_text(encoding="utf-8")
    # Data go in as JSON inside a script element: "</" must not end it, even in a picture's name.
    parts = {
        "TITLE": escape(str(results["title"])),
        "STYLE": page.joinpath("report.css").read_text(encoding="utf-8"),
        "PLOTLY": get_plotlyjs(),
        "DATA": json.dumps(rounded(data), ensure_ascii=False, separators=(",", ":"))
        .replace("</", "<\\/")
        .replace("<!--", "<\\!--"),
        "SCRIPT": "\n".join(
            page.joinpath(name).read_text(encoding="utf-8") for name in ("plots.js", "tables.js", "viewer.js")
        ),
    }
    head, *rest = text.split("@@")
    return head + "".join(parts.get(part, part) for part in rest)
