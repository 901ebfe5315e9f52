"""Imports of commands: modules are counted, because times depend on the machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy.typing import NDArray
from PIL import Image

HEAVY = {"torch", "compressai", "onnx", "scipy", "sympy", "matplotlib", "ray"}
PROGRAM = """
import atexit, json, sys
atexit.register(lambda: open("modules.json", "w").write(json.dumps(list(sys.modules))))
from aez.cli import main
main()
"""


def imported(folder: Path, *arguments: str) -> set[str]:
    """The modules that a command has imported at its end."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads((folder / "modules.json").read_text()))


@pytest.fixture
def pictures(tmp_path: Path, photo: NDArray) -> Path:  # type: ignore[type-arg]
    Image.fromarray(photo[:48, :64]).save(tmp_path / "a.png")
    return tmp_path


def test_pictures_are_coded_by_few_modules(pictures: Path) -> None:
    for arguments in (("compress", "a.png"), ("decompress", "a.aez", "-o", "b.png")):
        modules = imported(pictures, *arguments)
        assert not HEAVY & modules
        assert "onnxruntime" in modules
        assert len(modules) < 640


def test_nothing_is_written_but_outputs(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """ONNX Runtime keeps telemetry in the user's cache unless it is told not to."""
    home = tmp_path_factory.mktemp("home")
    places = {name: str(home) for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR", "USERPROFILE", "LOCALAPPDATA")}
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | places
    command = [sys.executable, "-m", "aez.cli", "compress", "a.png"]
    subprocess.run(command, cwd=pictures, env=environment, capture_output=True, check=True)
    assert list(home.rglob("*")) == []
    assert {path.name for path in pictures.iterdir()} == {"a.png", "a.aez"}


def test_help_is_a_few_modules(tmp_path: Path) -> None:
    modules = imported(tmp_path, "--help")
    assert not {"numpy", "PIL", "onnxruntime", *HEAVY} & modules
    assert len(modules) < 220
