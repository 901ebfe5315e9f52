"""Rate–distortion curves that others published, with their sources, in the schema of our own results."""

from pathlib import Path
from typing import Any

from aez.benchmarks.curves import read_results

FOLDER = Path(__file__).parent
MARK = " (published)"


def published_curves(digest: str, which: str) -> list[dict[str, Any]]:
    """Entries of ``codecs`` for a set of pictures, their names marked.

    Args:
        digest: of the set that a run measures; curves of other sets are not comparable, so they are left out.
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
