"""Add pages from other folders of the repository to the site, and adapt their links; add the browser page.

Markdown files link to other files of the repository. In the site such a link leads to the page made from the file. A
link to a file without a page becomes the name of the file.

The browser page of `examples/browser` is copied with its decoder. It gets a sample where the decoder's runtime and
weights are installed.
"""

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from aez import codec
from aez.bitstream.errors import AezError
from aez.cli.shared.viewing.page import INDEX, check_runtime, page_files

ROOT = Path(__file__).parents[1]
PAGES = "docs/pages"
ELSEWHERE = {
    "format.md": "bitstream/SPEC.md",
    "model.md": "codec/model/weights/photo-1.md",
    "model-psnr.md": "codec/model/weights/photo-psnr-1.md",
    "results.md": "docs/results.md",
    "training-log.md": "docs/training-log.md",
    "benchmarks.md": "benchmarks/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}
BROWSER = "examples/browser"
TRY = "try"
"""Folder of the browser page in the site."""
SAMPLE = "examples/astronaut.png"
_PAGE_OF = {path: page for page, path in ELSEWHERE.items()} | {f"{BROWSER}/{INDEX}": f"{TRY}/{INDEX}"}
_FENCES = re.compile(r"^(```.*?^```)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#:\s]+)(#[^)\s]*)?\)")
_UNPARTED = re.compile(r"^((?![|>#*\s-]|\d+\. ).+)\n(?=\||[*-] |\d+\. )", re.MULTILINE)
"""Table or list directly below a paragraph; GitHub recognises it, Python-Markdown does not."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from other folders of the repository."""
    for page, path in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    _add_browser_page(files, config)
    return files


def _add_browser_page(files: Files, config: MkDocsConfig) -> None:
    """Add the browser page, which is no page of the theme."""
    found = page_files(ROOT / BROWSER)
    try:
        check_runtime(ROOT / BROWSER, found)
    except AezError as error:
        logging.getLogger("mkdocs.hooks").info("the browser page of this site cannot decode: %s", error)
    else:
        mark = '<meta name="aez-sample" content="">'
        index = (
            found.pop(INDEX).read_text(encoding="utf-8").replace(mark, mark.replace('""', '"sample.aez sample.png"'))
        )
        sample = {INDEX: index, "sample.aez": codec.encode(str(ROOT / SAMPLE), quality=50)}
        for path, content in sample.items():
            files.append(File.generated(config, f"{TRY}/{path}", content=content))
        found["sample.png"] = ROOT / SAMPLE
    for path, source in found.items():
        files.append(File.generated(config, f"{TRY}/{path}", abs_src_path=str(source)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository into links to pages, and separate tables and lists from paragraphs.

    Raises:
        PluginError: the target of a link does not exist.
    """
    here = ELSEWHERE.get(page.file.src_uri, f"{PAGES}/{page.file.src_uri}")

    def replace(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        if not (ROOT / path).exists():
            raise PluginError(f"{here}: the link to {target} leads nowhere")
        if path not in _PAGE_OF and not path.startswith(f"{PAGES}/"):
            return text if f"`{path}`" in text else f"{text} (`{path}`)"
        target = _PAGE_OF.get(path, path.removeprefix(f"{PAGES}/"))
        target = posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or ".")
        return f"[{text}]({target}{anchor})"

    parts = _FENCES.split(markdown)
    parts[::2] = [_UNPARTED.sub(r"\1\n\n", _LINK.sub(replace, part)) for part in parts[::2]]
    return "".join(parts)
