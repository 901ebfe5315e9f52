"""`aez train` as a process, stopped by SIGTERM as a cluster would."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aez.codec.model.weightfile import read_weights
from aez.codec.training.checkpoints.checkpoint import load_checkpoint

pytestmark = pytest.mark.torch


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM")
def test_sigterm_leaves_a_checkpoint(tmp_path: Path, tiny_path: Path, photo: object) -> None:
    Image.fromarray(photo[:100, :120]).save(tmp_path / "a.png")  # type: ignore[index]
    checkpoint, exported = tmp_path / "c.safetensors", tmp_path / "e.safetensors"
    command = [sys.executable, "-m", "aez.cli", "train", tmp_path / "a.png", "--minutes", "60", "--out", checkpoint]
    command += ["--resume", tiny_path, "--set", "batch=1", "--set", "crop=64", "--device", "cpu"]
    command += ["--valid", tmp_path / "a.png", "--export", exported, "--name", "mine"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(list(map(str, command)), env=os.environ | {"OMP_NUM_THREADS": "1"}, **pipes) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if line.startswith("step "):
                run.send_signal(signal.SIGTERM)
                break
        out, err = run.communicate(timeout=200)
    assert run.returncode == 0, err
    assert "steps, " in out
    assert "mean loss" in out
    for average in (True, False):
        model, pixels = load_checkpoint(checkpoint, average=average)
        assert 50 * 16 * 16 < pixels < 200 * 64 * 64
        assert model.config == read_weights(tiny_path).config
    assert read_weights(exported).name == "mine"
    assert read_weights(exported).card["pixels"] == pixels
    assert read_weights(exported).distortion == "mse"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "c.safetensors", "e.safetensors"]
