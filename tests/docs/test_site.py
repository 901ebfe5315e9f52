"""Check that the site builds without warnings, fetches nothing from elsewhere, and is complete."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aez import codec
from aez.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
QUIET = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
"""Keeps the theme from announcing its successor at every build."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for needed in ("mkdocs", "material", "mkdocs_click", "mkdocstrings_handlers.python"):
        pytest.importorskip(needed, reason="needs aez[docs]")
    folder = tmp_path_factory.mktemp("site")
    command = ["mkdocs", "build", "--strict", "--config-file", "docs/mkdocs.yml", "--site-dir", str(folder)]
    made = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=QUIET, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stdout + made.stderr
    return folder


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = list(site.glob("*.html"))
    assert len(pages) > 10
    for page in pages:
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|img|iframe|source|object)\b[^>]*\b(?:src|data)=\"?([^\"\s>]+)", text)
        fetched += re.findall(r"<link\b[^>]*\bhref=\"?([^\"\s>]+)", text)
        assert fetched
        assert not [target for target in fetched if target.startswith(("http:", "https:", "//"))], page.name


def test_every_command_and_option_is_in_the_reference(site: Path) -> None:
    text = (site / "cli.html").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f'id="aez-{name}"' in text
    assert "--alpha-quality" in text and "Sentinel" not in text


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    text = (site / "library.html").read_text(encoding="utf-8")
    missing = [name for name in codec.__all__ if f'id="aez.codec.{name}"' not in text]
    assert not missing
    assert ":class:" not in text and "DEFAULT_QUALITY" not in text


def test_tables_and_lists_are_tables_and_lists(site: Path) -> None:
    for page in site.glob("*.html"):
        text = re.sub(r"<pre.*?</pre>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert "|---" not in text, page.name
        assert not re.findall(r"<p>[^<]*\n(?:[*-]|\d+\.) ", text), page.name


def test_included_pages_have_their_text_and_links(site: Path) -> None:
    assert "VP8L" in (site / "format.html").read_text(encoding="utf-8")
    text = (site / "how-it-works.html").read_text(encoding="utf-8")
    assert 'href="format.html"' in text and "SPEC.md" not in text


def test_the_browser_page_is_part_of_the_site(site: Path) -> None:
    assert 'href="try/index.html"' in (site / "browser.html").read_text(encoding="utf-8")
    here = ROOT / "examples" / "browser"
    for path in ("page.js", "page.css", "aez.js", "aez-img.js", "sw.js", "display/worker.js", "lib/container.js"):
        assert (site / "try" / path).read_bytes() == (here / path).read_bytes()
    runtime = site / "try" / "node_modules" / "onnxruntime-web" / "dist" / "ort-wasm-simd-threaded.wasm"
    index = (site / "try" / "index.html").read_text(encoding="utf-8")
    decodes = runtime.exists() and (site / "try" / "weights").exists()
    assert decodes == ('content="sample.aez sample.png"' in index)
    if decodes:
        assert codec.info(site / "try" / "sample.aez")["width"] == 512
