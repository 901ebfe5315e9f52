"""What the README says, done: its test command is CI's, its Python example runs, its links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_ci_runs_the_readmes_test_command() -> None:
    command = blocks("sh")[1].strip()
    assert "pytest" in command
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_python_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    variables: dict[str, object] = {}
    for block in blocks("python"):
        exec(block, variables)
    size, bpp = capsys.readouterr().out.split()
    assert int(size) == len(variables["data"])  # type: ignore[arg-type]
    assert float(bpp) == pytest.approx(8 * int(size) / 512**2, abs=1e-4)


@pytest.mark.parametrize(
    "page", ["README.md", "docs/how-it-works.md", "benchmarks/README.md", "codec/weights/photo.md"]
)
def test_links_lead_to_files(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    missing = [t for t in targets if not (ROOT / page).parent.joinpath(t).exists()]
    assert not missing
