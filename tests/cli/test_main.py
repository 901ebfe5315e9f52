import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

import aez as package


def test_version(aez: Any) -> None:
    try:
        expected = version("aez")
    except PackageNotFoundError:
        expected = "not installed"
    assert aez("--version").out == f"aez, version {expected}\n"


def test_version_of_the_package() -> None:
    assert package.__version__ == version("aez")
    with pytest.raises(AttributeError, match="module 'aez' has no attribute 'version'"):
        package.version  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(aez: Any, option: str) -> None:
    result = aez(option)
    assert (result.code, result.err) == (0, "")
    for command in ("compress", "decompress", "info", "models", "train"):
        assert command in result.out
        page = aez(command, option)
        assert page.code == 0
        assert page.out.startswith(f"Usage: aez {command}")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aez.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_as_a_process(folder: Path, tiny_path: Path) -> None:
    made = run("compress", folder / "a.png", "--model", tiny_path)
    assert (made.returncode, made.stdout.count("\n"), made.stderr) == (0, 1, "")
    bad = run("info", folder / "a.png")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr == f"aez: {folder / 'a.png'}: not an .aez file\n"
    assert run("info", folder / "a.aez").returncode == 0
    assert run("compress").returncode == 2
