"""Jobs on a Ray instance of this machine; skipped where Ray is not installed."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


def test_nothing_of_ray_is_imported_otherwise(aez: Any, folder: Path, model: Any) -> None:
    before = {name for name in sys.modules if name.split(".")[0] == "ray"}
    assert aez("compress", folder / "a.png", *model).code == 0
    assert {name for name in sys.modules if name.split(".")[0] == "ray"} == before


def test_without_ray(aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = aez("compress", folder / "a.png", *model, "--ray", "local")
    assert result.code == 1
    assert "aez[ray]" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_a_folder(aez: Any, folder: Path, model: Any) -> None:
    for name in ("in/one.png", "in/sub/two.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.open(folder / "a.png").save(folder / name)
    (folder / "in" / "bad.png").write_bytes(b"not a picture")
    result = aez("compress", "-r", folder / "in", "-o", f"file://{folder}/out", *model, "--ray", "local", "--json")
    assert result.code == 1
    status = {Path(line["input"]).name: line["status"] for line in map(json.loads, result.out.splitlines())}
    assert status == {"one.png": "done", "two.png": "done", "bad.png": "failed"}
    assert aez("compress", folder / "a.png", *model, "--threads", 1).code == 0
    assert (folder / "out" / "sub" / "two.aez").read_bytes() == (folder / "a.aez").read_bytes()
