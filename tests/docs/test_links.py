"""Check that links lead to files, named programs and files exist, and quoted messages are those of the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "examples", "bitstream", "codec", "benchmarks")
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md") if "node_modules" not in path.parts
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in target]
    elsewhere = {"format.md", "model.md", "benchmarks.md", "changelog.md", "security.md"}
    assert not elsewhere & set(targets), "link to the file in the repository; the site makes it a page"
    assert not [target for target in targets if not (page.parent / target).exists()]


def test_programs_that_pages_name_are_there() -> None:
    named = {
        name for page in PAGES for name in re.findall(r"-m aez\.(\w+(?:\.\w+)+)", page.read_text(encoding="utf-8"))
    }
    table = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8").split("| `python -m aez.benchmarks.…`")[1]
    named |= {f"benchmarks.{name}" for name in re.findall(r"^\| `([\w.]+)", table.split("\n\n")[0], re.M)}
    assert len(named) >= 8
    paths = {name: ROOT / name.replace(".", "/") for name in named}
    assert not [
        name
        for name, path in paths.items()
        if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists())
    ]


def test_files_of_the_walk_are_there() -> None:
    text = (ROOT / "docs/pages/how-it-works.md").read_text(encoding="utf-8").split("## Where to find it")[1]
    cells = re.findall(r"^\| [^|]+ \| ([^|]+) \|", text, re.MULTILINE)
    missing = []
    for cell in cells:
        folder = ""
        for name in re.findall(r"`([^`]+)`", cell):
            # A further name in a cell may be relative to the folder of the name before it.
            found = [path for path in (name, folder + name) if (ROOT / path).exists()]
            missing += [] if found else [name]
            folder = found[0][: found[0].rindex("/") + 1] if found else folder
    assert len(cells) > 25
    assert not missing


def test_messages_of_the_playbook_are_those_of_the_code() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("bitstream", "codec", "cli")
        for path in (ROOT / folder).rglob("*.py")
    )
    text = (ROOT / "docs/pages/playbook.md").read_text(encoding="utf-8")
    tables = text.split("| what it says | first check |")[1:]
    messages = [
        message for table in tables for message in re.findall(r"^\|[^|]*?`([^`]+)` \|", table.split("\n\n")[0], re.M)
    ]
    assert len(messages) >= 14
    patterns = {message: ".*".join(map(re.escape, message.strip(" …").split("…"))) for message in messages}
    patterns = {message: pattern.replace("\\ .*\\ ", ".*") for message, pattern in patterns.items()}
    assert not [message for message, pattern in patterns.items() if not re.search(pattern, code)]
