from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("compressai")


@pytest.mark.parametrize("wrong", ["data", "resume", "out", "small"])
def test_errors(aez: Any, folder: Path, tiny_path: Path, wrong: str) -> None:
    data = folder / ("no.png" if wrong == "data" else "a.png")
    resume = folder / "a.png" if wrong == "resume" else tiny_path
    out = folder / ("no/out" if wrong == "out" else "out.safetensors")
    result = aez("train", data, "--minutes", 0, "--out", out, "--resume", resume, "--crop", 64, "--device", "cpu")
    assert result.code == 1
    named = {"data": data, "resume": resume, "out": out, "small": "64 pixels"}[wrong]
    assert result.err.startswith("aez: ")
    assert str(named) in result.err
    assert result.err.count("\n") == 1
    assert not out.exists()
