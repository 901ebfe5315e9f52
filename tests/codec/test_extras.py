"""Packages of extras: what is missing is said in one line that names the extra."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from aez.bitstream import AezError
from aez.codec import extras
from aez.codec.extras import is_installed, missing_package, require

TORCH = "needs PyTorch, which is not installed: pip install 'aez[torch]'"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "plotly", "matplotlib", "ray"):
        monkeypatch.setitem(sys.modules, name, None)


def test_what_is_required(without: None) -> None:
    require("numpy")
    for packages, line in (
        (["torch"], f"this {TORCH}"),
        (["matplotlib", "numpy", "plotly"], "this needs matplotlib and plotly, which are not installed: …'aez[bench]'"),
        (["torch", "plotly", "ray"], "this needs PyTorch, plotly and Ray, which are … 'aez[bench,ray,torch]'"),
    ):
        with pytest.raises(AezError, match=".*".join(map(re.escape, line.split("…"))) + "$"):
            require(*packages)
    assert not is_installed("torch") and is_installed("numpy")


def test_only_imports_of_missing_packages_count(without: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras._PACKAGES, "numpy", ("bench", "NumPy"))  # an extra's package that is broken, not missing
    assert missing_package(ModuleNotFoundError("x", name="torch"), "a tensor") == f"a tensor {TORCH}"
    assert missing_package(ModuleNotFoundError("x", name="torch.nn")) == f"this {TORCH}"
    assert missing_package(ImportError("x", name="numpy.core")) is None
    assert missing_package(ModuleNotFoundError("x", name="nowhere")) is None
    assert missing_package(ModuleNotFoundError("x")) is None
    assert missing_package(OSError("torch")) is None


def test_the_extras_are_those_of_the_package() -> None:
    """Each package is in the extra that its line names."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    section = text.split("[project.optional-dependencies]")[1].split("\n[")[0]
    listed = dict(re.findall(r"^(\w+) = \[(.*?)\]$", section, re.M | re.S))
    for module, (extra, name) in extras._PACKAGES.items():
        wanted = "torch" if name == "PyTorch" else name.lower()
        assert re.search(rf'"{re.escape(wanted)}[\["<>=]', listed[extra]), module


NAMES = """
import sys
sys.modules["torch"] = None
from aez import codec
for name in NAMES:
    try:
        getattr(codec, name)
    except ImportError as error:
        assert str(error) == f"aez.codec.{name} TORCH", error
        assert error.name == "torch"
    else:
        raise AssertionError(name)
codec.encode, codec.decode, codec.latents, codec.Codec
try:
    codec.nothing
except AttributeError:
    sys.exit(7)
"""


def test_names_that_need_torch() -> None:
    names = ["decode_tensor", "decode_batch", "encode_tensor", "encode_batch"]
    names += ["colourise", "denoise", "enlarge", "inpaint", "stylize"]
    program = NAMES.replace("NAMES", repr(names)).replace("TORCH", TORCH)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
