"""Published rate–distortion curves, with their sources, in the schema of results."""

from pathlib import Path
from typing import Any

from aez.benchmarks.curves import read_results

FOLDER = Path(__file__).parent
MARK = " (published)"


def published_curves(digest: str, which: str) -> list[dict[str, Any]]:
    """Return published entries of ``codecs`` for a set of pictures, with marked names.

    Args:
        digest: digest of the measured set; curves of other sets are not comparable, so they are left out.
        which: ``main`` for the usual ones, ``all``, or ``none``.
    """
    if which == "none":
        return []
    found: list[dict[str, Any]] = []
    for path in sorted(FOLDER.glob("*.json")):
        content = read_results(path)
        if content["set"]["digest"] != digest:
            continue
        found += [
            {**codec, "name": codec["name"] + MARK}
            for codec in content["codecs"]
            if which == "all" or codec.get("main")
        ]
    return found
