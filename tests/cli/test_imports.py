"""What a command imports: modules are counted, because times depend on the machine."""

import json
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


def test_help_is_a_few_modules(tmp_path: Path) -> None:
    modules = imported(tmp_path, "--help")
    assert not {"numpy", "PIL", "onnxruntime", *HEAVY} & modules
    assert len(modules) < 220
