"""Execute every code block of the documentation, each page in a folder of its own.

Python blocks of a page share their variables. In `sh` blocks every line must be an `aez` command; it runs in this
process. A block that installs, trains or needs other data has ``title="not run by the tests"``, which the site shows
above it. ``MARKED`` counts these blocks, so that none is added unnoticed.
"""

import doctest
import io
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez import codec
from aez.cli import main
from aez.codec.extras import is_installed

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "examples", "bitstream", "codec", "benchmarks")
PAGES = ["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"]
PAGES += sorted(
    str(path.relative_to(ROOT))
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.md")
    if "node_modules" not in path.parts
)

NOT_RUN = 'sh title="not run by the tests"'
MARKED = {
    "CONTRIBUTING.md": 3,
    "SECURITY.md": 1,
    "benchmarks/README.md": 2,
    "docs/pages/browser.md": 2,
    "docs/pages/install.md": 2,
    "docs/pages/shell.md": 1,
    "docs/pages/training.md": 3,
    "docs/results.md": 16,
}
IN_BROWSERS = {"html", "js"}
"""Blocks that `examples/browser/test/page.test.js` runs."""
NOT_CODE = {"bitstream/SPEC.md"}
"""Pages whose blocks without a language are formulas and bytes; a test of the specification reads them."""
TORCH = {
    f"docs/pages/family/{name}.md"
    for name in ("collapsed", "colouriser", "denoiser", "index", "restoration", "sparse", "style", "vae")
}
"""Pages that need PyTorch. Elsewhere, only Python blocks that call ``decode_tensor`` or ``encode_tensor`` do."""
SETTING_UP = re.compile(r"python3 -m venv|\S*pip install|\S*python -m pytest")
"""Parts of the README's two commands that CI runs, and this test does not."""


class Block(NamedTuple):
    kind: str
    text: str


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [Block(*match) for match in re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]
    assert 2 * len(found) == len(re.findall("^ *```", text, re.MULTILINE)), f"{page}: a block that is not seen"
    return found


def runnable(page: str) -> list[Block]:
    return [block for block in blocks(page) if block.kind in ("python", "sh")]


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the folder in which the blocks of a page run: the examples, and pictures for the reader's own."""
    parts = shutil.ignore_patterns("node_modules", "weights")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=parts)
    Image.fromarray(photo).resize((820, 720)).save(tmp_path / "photo.jpg")
    Image.fromarray(photo[:48, :64]).save(tmp_path / "a.png")
    Image.fromarray(photo[200:248, 200:264]).save(tmp_path / "b.png")
    (tmp_path / "photos" / "2024").mkdir(parents=True)
    Image.fromarray(photo[100:150, 200:280]).save(tmp_path / "photos" / "2024" / "face.jpg")
    monkeypatch.chdir(tmp_path)
    yield tmp_path


class Shell:
    """The part of a shell that the pages use: `&&`, pipes, redirections, patterns, comments, leading variables."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
        self.monkeypatch = monkeypatch
        self.page = page
        self.ran = 0

    def run(self, line: str) -> None:
        words = shlex.shlex(line, posix=True, punctuation_chars="&|<>")
        words.whitespace_split = True
        for pipeline in split(list(words), "&&"):
            data = b""
            for command in split(pipeline, "|"):
                data = self.command(command, data)

    def command(self, words: list[str], data: bytes) -> bytes:
        """Run a command with redirections and return what it writes to standard output."""
        target = None
        for sign in ("<", ">"):
            if sign in words:
                at = words.index(sign)
                name = words[at + 1]
                words = words[:at] + words[at + 2 :]
                if sign == "<":
                    data = Path(name).read_bytes()
                else:
                    target = Path(name)
        with self.monkeypatch.context() as patch:
            while "=" in words[0]:
                patch.setenv(*words.pop(0).split("=", 1))
            written = self.aez(words, data, patch)
        if target is not None:
            target.write_bytes(written)
        return b"" if target is not None else written

    def aez(self, words: list[str], data: bytes, patch: pytest.MonkeyPatch) -> bytes:
        if self.page == "README.md" and SETTING_UP.match(" ".join(words)):
            return b""
        assert Path(words[0]).name == "aez", f"{self.page}: not an aez command: {words}"
        arguments = [name for word in words[1:] for name in (sorted(map(str, Path().glob(word))) or [word])]
        output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        patch.setattr(sys, "argv", ["aez", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        patch.setattr(sys, "stdout", output)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, f"{self.page}: {' '.join(words)} ends with {end.value.code}"
        output.flush()
        self.ran += 1
        return output.buffer.getvalue()  # type: ignore[attr-defined,no-any-return]


def split(words: list[str], sign: str) -> Iterator[list[str]]:
    while sign in words:
        yield words[: words.index(sign)]
        words = words[words.index(sign) + 1 :]
    yield words


def marked(page: str) -> object:
    return pytest.param(page, marks=pytest.mark.torch) if page in TORCH else page


@pytest.mark.parametrize("page", [marked(page) for page in PAGES if runnable(page)])
def test_blocks_run(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(monkeypatch, page)
    variables: dict[str, object] = {"__name__": page}
    for number, block in enumerate(runnable(page)):
        if "code_tensor(" in block.text and not is_installed("torch"):
            continue
        if block.kind == "python":
            exec(compile(block.text, f"{page}, Python block {number}", "exec"), variables)
        else:
            for line in block.text.replace("\\\n", " ").splitlines():
                if line.split("#")[0].strip():
                    shell.run(line)
    if any(block.kind == "sh" for block in runnable(page)):
        assert shell.ran
    if page == "README.md":
        size, bpp = capsys.readouterr().out.split()
        assert int(size) == len(variables["data"])  # type: ignore[arg-type]
        assert float(bpp) == pytest.approx(8 * int(size) / 512**2, abs=1e-4)


def test_no_block_is_overlooked() -> None:
    for page in PAGES:
        kinds = {block.kind for block in blocks(page)} - {"python", "sh", NOT_RUN}
        if page == "docs/pages/browser.md":
            kinds -= IN_BROWSERS
        assert kinds <= ({""} if page in NOT_CODE else set()), page


def test_blocks_that_do_not_run_are_counted() -> None:
    marked = {page: sum(block.kind == NOT_RUN for block in blocks(page)) for page in PAGES}
    assert {page: number for page, number in marked.items() if number} == MARKED


def test_ci_runs_the_readmes_test_command() -> None:
    command = [block.text.strip() for block in blocks("README.md") if "pytest" in block.text]
    assert len(command) == 1
    assert command[0] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_hooks_and_workflow_run_what_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    linter = re.compile(r"\.venv-test/bin/(ruff|mypy|lint-imports)")
    lines = {line.removeprefix(".venv-test/bin/") for line in ci if linter.match(line)}
    changed = {"ruff check --force-exclude": "ruff check .", "ruff format --force-exclude": "ruff format --check ."}
    assert {changed.get(entry, entry) for entry in re.findall(r"entry: (.+)", hooks)} == lines
    assert re.search(r"run: \.ci/run$", (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"), re.MULTILINE)


def test_citation_has_the_version_of_the_package() -> None:
    versions = [
        re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name, pattern in (("CITATION.cff", r"^version: (.+)$"), ("pyproject.toml", r'^version = "(.+)"$'))
    ]
    assert versions[0] and versions[1] and versions[0][1] == versions[1][1]


def test_example_of_the_codecs_docstring(folder: Path) -> None:
    Image.open("a.png").save("photo.png")
    examples = doctest.DocTestFinder().find(codec.Codec, globs={"Codec": codec.Codec, "Image": Image})
    runner = doctest.DocTestRunner()
    for example in examples:
        runner.run(example)
    assert runner.tries and not runner.failures
    assert Path("back.png").exists()
