"""Calls of the command in this process, and what they leave behind."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.cli import main
from aez.codec.threads import ONE_PRODUCT


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Aez = Callable[..., Result]


@pytest.fixture
def aez(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Aez:
    """Run the command with some arguments; its exit code and output."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["aez", *map(str, arguments)])
        monkeypatch.setenv(ONE_PRODUCT, "1")  # which the command sets otherwise, for all tests that follow
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_info:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        code = exit_info.value.code
        return Result(code if isinstance(code, int) else 0 if code is None else 1, out, err)

    return call


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8], goldens: dict[str, bytes]) -> Path:
    """A picture of 40×30 pixels, ``a.png``, and ``low.aez``, one of 150×100."""
    Image.fromarray(photo[100:130, 200:240]).save(tmp_path / "a.png")
    (tmp_path / "low.aez").write_bytes(goldens["low"])
    return tmp_path


@pytest.fixture
def model(tiny_path: Path) -> tuple[str, Path]:
    return "--model", tiny_path
