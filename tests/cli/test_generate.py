from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aez import codec
from aez.codec.family import members


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pictures_are_drawn(aez: Any, tmp_path: Path, model: Any) -> None:
    result = aez(
        "generate", "-n", "3", "--size", "80x64", "--seed", "5", *model, "--grid", "-o", tmp_path / "new" / "d"
    )
    assert (result.code, result.err) == (0, "")
    folder = tmp_path / "new" / "d"
    assert names(folder) == ["tiny-5-0.png", "tiny-5-1.png", "tiny-5-2.png", "tiny-5-grid.png"]
    pictures = [np.asarray(Image.open(folder / name)) for name in names(folder)[:3]]
    assert all(p.shape == (64, 80, 3) and p.std() > 3 for p in pictures)
    assert not np.array_equal(pictures[0], pictures[1])
    grid = np.asarray(Image.open(folder / "tiny-5-grid.png"))
    assert grid.shape == (130, 162, 3)
    assert np.array_equal(grid[:64, 82:], pictures[1])


def test_seeds_repeat(aez: Any, tmp_path: Path, model: Any) -> None:
    def drawn(folder: str, count: int, seed: int) -> list[bytes]:
        arguments = ("-n", count, "--size", "64x64", "--seed", seed, *model, "-f", "aez", "-o", tmp_path / folder)
        assert aez("generate", *arguments).code == 0
        return [path.read_bytes() for path in sorted((tmp_path / folder).iterdir())]

    first = drawn("a", 2, 1)
    assert drawn("b", 2, 1) == first
    assert drawn("c", 3, 1)[:2] == first, "the first pictures do not depend on how many follow"
    assert drawn("d", 2, 2) != first
    assert codec.info(first[0])["width"] == 64


@pytest.mark.torch
def test_vae(aez: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    class Drawing:
        @staticmethod
        def sample(count: int, seed: int) -> Any:
            return torch.linspace(-0.6, 0.5, 3 * 64 * 64 * count).reshape(count, 3, 64, 64) * (seed + 1)

    monkeypatch.setattr(members, "load_family", lambda name, device: Drawing())
    assert aez("generate", "--model", "vae", "-n", "2", "-o", tmp_path).code == 0
    assert names(tmp_path) == ["vae-0-0.png", "vae-0-1.png"]
    assert np.asarray(Image.open(tmp_path / "vae-0-1.png")).shape == (64, 64, 3)
    assert aez("generate", "--model", "vae", "--size", "128x128", "-o", tmp_path).code == 2


def test_what_is_wrong_is_said(aez: Any, tmp_path: Path, model: Any) -> None:
    for size in ("0x5", "64", "64x", "axb", "-1x5"):
        assert aez("generate", "--size", size, *model, "-o", tmp_path / "o").code == 2
    for arguments, message in (
        (("--size", "60000x60000", *model), "at most"),
        (("--model", "none"), "none: neither a model"),
        (("-f", "xyz", *model), "cannot write pictures with the suffix"),
    ):
        result = aez("generate", "-n", "1", *arguments, "-o", tmp_path / "o")
        assert result.code == 1 and message in result.err and result.err.count("\n") == 1
    assert names(tmp_path) == []
    (tmp_path / "tiny-0-0.png").write_bytes(b"mine")
    result = aez("generate", "-n", "1", "--size", "64x64", *model, "-o", tmp_path)
    assert result.code == 1 and "exists already" in result.err
    assert (tmp_path / "tiny-0-0.png").read_bytes() == b"mine"
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be made a folder" in aez("generate", "-n", "1", *model, "-o", tmp_path / "file" / "x").err
