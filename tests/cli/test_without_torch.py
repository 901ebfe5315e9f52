"""Commands and options that need PyTorch say so in one line where it is not installed, and write nothing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LINE = "needs PyTorch, which is not installed: pip install 'aez[torch]'"
COMMANDS = [
    "denoise a.png",
    "denoise a.png b.png -j 2",
    "inpaint a.png --mask a.png",
    "enlarge a.png",
    "colourise a.png",
    "generate --model vae -o drawn",
    "stylize a.png --style a.png -o s.png",
    "train a.png --minutes 1 --out t.safetensors",
    "compare a.png a.png",
    "compress a.png --denoise",
    "compress a.png b.png --denoise -j 2",
    "compress a.png b.png --effort 9",
    "compress a.png b.png --effort 9 -j 2",
    "compress a.png --runtime torch",
    "compress a.png --device cuda",
    "decompress low.aez -o o.png --runtime torch",
    "decompress low.aez -o o.png --device cuda",
]


@pytest.fixture
def without_torch(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which no process, not even a worker, can import torch."""
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())
    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
    }


def run(folder: Path, environment: dict[str, str], command: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "aez.cli", *command.split()]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_one_line_names_the_extra(folder: Path, without_torch: dict[str, str], tiny_path: Path, command: str) -> None:
    before = sorted(path.name for path in folder.rglob("*") if path.is_file())
    model = f" --model {tiny_path}" if command.startswith("decompress") else ""
    done = run(folder, without_torch, command + model)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.startswith("aez: ") and done.stderr.endswith(f" {LINE}\n")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == before


def test_the_variable_counts_as_the_option(folder: Path, without_torch: dict[str, str]) -> None:
    done = run(folder, {**without_torch, "AEZ_RUNTIME": "torch"}, "compress a.png")
    assert (done.returncode, done.stderr) == (1, f"aez: this {LINE}\n")


def test_a_report_names_all_that_is_missing(folder: Path, without_torch: dict[str, str]) -> None:
    done = run(folder, without_torch, "bench a.png -o report")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("aez: a report needs PyTorch") and "not installed: pip install 'aez[" in done.stderr


def test_a_package_that_is_missing_while_files_are_converted(aez: Any, folder: Path, model: Any) -> None:
    """As where only the pictures of one kind need a package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)

        def failing(*_: object, **__: object) -> bytes:
            raise ModuleNotFoundError("No module named 'ray'", name="ray")

        patch.setattr("aez.codec.codec.Codec.encode_with", failing)
        result = aez("compress", folder / "a.png", *model)
    assert (result.code, result.out) == (1, "")
    name = folder / "a.png"
    assert result.err == f"aez: {name}: this needs Ray, which is not installed: pip install 'aez[ray]'\n"
