import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aez.cli.shared import storage
from aez.codec.codec import Codec
from aez.codec.model.registry import packaged_models

KEYS = {
    "format_version",
    "width",
    "height",
    "colour",
    "depth",
    "alpha",
    "orientation",
    "quality",
    "quality_position",
    "model",
    "fingerprint",
    "latent_layout",
    "tiles",
    "layer",
    "bytes",
    "bpp",
    "chunks",
}


def test_text(aez: Any, folder: Path, codec: Codec) -> None:
    result = aez("info", folder / "low.aez")
    assert (result.code, result.err) == (0, "")
    for part in (str(folder / "low.aez"), "150×100", "8-bit RGB", codec.weights.fingerprint.hex(), "unknown", "1 tile"):
        assert part in result.out


def test_text_tells_of_alpha_and_of_folders(aez: Any, folder: Path, codec: Codec) -> None:
    (folder / "clear.aez").write_bytes(codec.encode(np.tile(np.uint8([9, 60, 200, 90]), (20, 30, 1)), 50))
    assert "30×20, 8-bit RGB with alpha, orientation 1" in aez("info", folder / "clear.aez").out
    assert "with alpha" not in aez("info", folder / "low.aez").out
    assert aez("info", folder).err == f"aez: {folder}: is a folder\n"


def test_json(aez: Any, folder: Path, codec: Codec, goldens: dict[str, bytes]) -> None:
    (folder / "tiled.aez").write_bytes(goldens["tiled"])
    result = aez("info", "--json", folder / "tiled.aez")
    assert result.code == 0
    facts = json.loads(result.out)
    assert set(facts) == KEYS
    assert (facts["width"], facts["height"], facts["tiles"], facts["bytes"]) == (300, 200, 2, len(goldens["tiled"]))
    assert facts["quality_position"] == codec.quality_scale.position_of(40)
    assert (facts["model"], facts["quality"]) == (None, None)
    assert [chunk["type"] for chunk in facts["chunks"]] == list("HZTTE")


def test_digest(aez: Any, folder: Path, model: Any, digests: dict[str, str]) -> None:
    result = aez("info", "--digest", folder / "low.aez", *model)
    assert (result.code, result.out, result.err) == (0, digests["low"] + "\n", "")
    assert aez("info", "--digest", folder / "low.aez").code == 1


def test_files_of_packaged_models(aez: Any, folder: Path) -> None:
    assert aez("compress", folder / "a.png", "-q", "30", "--quiet").code == 0
    facts = json.loads(aez("info", "--json", folder / "a.aez").out)
    assert facts["model"] == "photo-1"
    assert abs(facts["quality"] - 30) < 0.1
    assert "photo-1" in aez("info", folder / "a.aez").out


def test_models(aez: Any) -> None:
    result = aez("models")
    assert result.code == 0
    lines = result.out.splitlines()
    for entry, line in zip(packaged_models(), lines, strict=True):
        assert line.startswith(entry.name)
        assert entry.fingerprint in line
    assert [line.split("  ")[0] for line in lines[:2]] == ["photo-1 (photo, default)", "photo-psnr-1 (photo-psnr)"]
    assert sum("default" in line for line in lines) == 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices")
def test_streams_that_are_no_files_are_not_read_on(aez: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/zero has no end."""
    monkeypatch.setattr(storage, "MAX_INPUT", 2**20)
    for command in ("info", "decompress"):
        result = aez(command, "/dev/zero", *(("-o", "-") if command == "decompress" else ()))
        assert result.code == 1
        assert "not an .aez file" in result.err
