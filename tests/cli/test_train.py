from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("compressai")

from aez.cli import train
from aez.codec.family.members import read_family
from aez.codec.training import objective
from aez.codec.training.checkpoint import load_checkpoint
from aez.codec.training.family import load_family_checkpoint


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


@pytest.fixture
def large(folder: Path, photo: NDArray[np.uint8]) -> Path:
    """A picture that holds crops."""
    Image.fromarray(photo[:128, :128]).save(folder / "large.png")
    return folder / "large.png"


def test_only_what_is_asked_for_is_trained(aez: Any, folder: Path, large: Path, tiny_path: Path) -> None:
    out = folder / "out.safetensors"
    options = ("--minutes", 0.01, "--out", out, "--resume", tiny_path, "--crop", 64, "--batch", 1, "--device", "cpu")
    assert aez("train", large, *options, "--only", "analysis.").code == 0
    before, after = (load_checkpoint(path, average=False)[0].state_dict() for path in (tiny_path, out))
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("analysis.") for name in changed)
    result = aez("train", large, *options, "--only", "nothing")
    assert result.code == 1 and "nothing" in result.err


def test_the_picture_filter_counts_in_training_and_evaluation(
    aez: Any, folder: Path, large: Path, tiny_path: Path
) -> None:
    results = []
    for number, more in enumerate(((), ("--picture-filter",))):
        out = folder / f"{number}.safetensors"
        options = (
            "--minutes",
            0.01,
            "--resume",
            tiny_path,
            "--crop",
            64,
            "--batch",
            2,
            "--device",
            "cpu",
            "--lr",
            1e-9,
        )
        result = aez("train", large, *options, "--out", out, "--valid", large, *more)
        assert result.code == 0, result.err
        results.append(float(result.out.rsplit("mean loss", 1)[1]))
    assert results[1] < 0.99 * results[0]


def test_a_member_of_the_family_is_trained_and_exported(aez: Any, folder: Path, large: Path) -> None:
    out, exported = folder / "out.safetensors", folder / "weights.safetensors"
    options = ("--model", "plain", "--minutes", 0.01, "--out", out, "--device", "cpu")
    assert aez("train", large, *options).code == 0
    seen = load_family_checkpoint(out, average=False)[1]
    assert seen > 0
    again = aez("train", large, *options, "--resume", out, "--export", exported)
    assert again.code == 0, again.err
    model, pixels = load_family_checkpoint(out, average=True)
    assert pixels > seen
    for name, value in read_family(exported).named_parameters():
        trained = dict(model.named_parameters())[name]
        assert (value - trained).abs().max() <= trained.abs().max() / 250 + 1e-6  # small ones are float16
    wrong = aez("train", large, *options[2:], "--model", "collapsed", "--resume", out)
    assert wrong.code == 1 and "plain" in wrong.err


@pytest.mark.parametrize(
    "options",
    [
        ("--model", "vae", "--valid", "a.png"),
        ("--model", "vae", "--only", "head"),
        ("--model", "vae", "--normalisation", 0.2),
        ("--model", "vae", "--picture-filter"),
        ("--distortion", "ms-ssim"),
    ],
)
def test_what_excludes_each_other(aez: Any, folder: Path, options: tuple[str, ...]) -> None:
    result = aez("train", folder / "a.png", "--minutes", 0, "--out", folder / "o", "--crop", 128, *options)
    assert result.code == 2


def test_defaults_are_those_of_training() -> None:
    assert train.LAMBDA_NORMALISATION == objective.LAMBDA_NORMALISATION
    assert train.SYMBOLS == objective.SYMBOLS
