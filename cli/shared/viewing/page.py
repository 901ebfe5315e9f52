"""The files of the browser page: those that come with the package, or those of a folder."""

import importlib.resources
import os
from pathlib import Path

from aez.bitstream.errors import AezError

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".safetensors": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
"""Media types of the files that are served; files with other suffixes are not."""
INDEX = "index.html"
RUNTIME = "node_modules/onnxruntime-web/dist"
"""Folder of the WebAssembly runtime, as npm installs it."""
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""Files that the decoder loads from there; the folder holds several times as much."""
WEIGHTS = "weights"
"""Folder of the weights for decoding."""
_MARK = '<meta name="aez-view" content="">'


def packaged_page() -> Path:
    """Return the folder of the page that comes with the package."""
    return Path(str(importlib.resources.files("aez.cli"))) / "page"


def page_files(folder: Path) -> dict[str, Path]:
    """Return the files of a page by their paths in URLs, relative to the page.

    Of ``node_modules`` only what the decoder loads is taken. Tests and hidden files are left out.

    Raises:
        AezError: the folder holds no page, or one that is no part of this release.
    """
    found = {}
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        relative = here.relative_to(folder)
        folders[:] = [name for name in folders if _is_served(relative / name)]
        for name in names:
            if not name.startswith(".") and Path(name).suffix in MEDIA_TYPES:
                found[(relative / name).as_posix()] = here / name
    runtime = {f"{RUNTIME}/{name}" for name in RUNTIME_FILES}
    found = {path: file for path, file in found.items() if path in runtime or not path.startswith("node_modules/")}
    if INDEX not in found or _MARK not in found[INDEX].read_text(encoding="utf-8"):
        raise AezError(f"{folder}: does not hold the page of aez")
    return found


def check_runtime(folder: Path, files: dict[str, Path]) -> None:
    """Refuse a folder in which a browser cannot decode.

    Raises:
        AezError: it lacks the WebAssembly runtime or weights.
    """
    for place, suffix, remedy in (
        (RUNTIME, ".wasm", "run npm ci in it"),
        (WEIGHTS, ".safetensors", "run make_weights.py in it"),
    ):
        if not any(path.startswith(f"{place}/") and path.endswith(suffix) for path in files):
            raise AezError(f"{folder}: lacks {place}/*{suffix}: {remedy}")


def index_for_server(file: Path) -> bytes:
    """Return the page's HTML, marked so that it asks the server for files and pictures."""
    return file.read_text(encoding="utf-8").replace(_MARK, _MARK.replace('""', '"files.json"')).encode()


def _is_served(folder: Path) -> bool:
    """Check whether a folder, relative to the page, may hold files to serve."""
    if folder.parts[0] == "node_modules":
        runtime = Path(RUNTIME)
        return folder == runtime or folder in runtime.parents
    return folder.parts[0] not in {"test", "tools"} and not folder.name.startswith(".")
