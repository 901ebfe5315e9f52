from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("compressai")

from aez.codec.family.members import read_family
from aez.codec.model.weightfile import read_weights
from aez.codec.training.checkpoints.checkpoint import load_checkpoint
from aez.codec.training.family import load_family_checkpoint

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("wrong", ["data", "resume", "out", "small"])
def test_errors(aez: Any, folder: Path, tiny_path: Path, wrong: str) -> None:
    data = folder / ("no.png" if wrong == "data" else "a.png")
    resume = folder / "a.png" if wrong == "resume" else tiny_path
    out = folder / ("no/out" if wrong == "out" else "out.safetensors")
    result = aez("train", data, "--minutes", 0, "--out", out, "--resume", resume, "--set", "crop=64", "--device", "cpu")
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


def test_the_picture_filter_counts_in_training_and_evaluation(
    aez: Any, folder: Path, large: Path, tiny_path: Path
) -> None:
    results = []
    for number, behind in enumerate(("0", "1")):
        out = folder / f"{number}.safetensors"
        settings = ("crop=64", "batch=2", "learning_rate=1e-9", f"picture_filter={behind}")
        changes = [word for change in settings for word in ("--set", change)]
        options = ("--minutes", 0.01, "--resume", tiny_path, "--device", "cpu", "--out", out, "--valid", large)
        result = aez("train", large, *options, *changes)
        assert result.code == 0, result.err
        results.append(float(result.out.rsplit("mean loss", 1)[1]))
    assert results[1] < 0.99 * results[0]


def test_a_resumed_model_grows(aez: Any, folder: Path, large: Path, tiny_path: Path) -> None:
    out = folder / "out.safetensors"
    options = ("--minutes", 0.01, "--out", out, "--device", "cpu", "--set", "crop=64", "--set", "batch=1")
    grow = ("--set", "grow.synthesis8=3", "--set", "grow.analysis=4")
    assert aez("train", large, *options, *grow, "--resume", tiny_path).code == 0
    config = load_checkpoint(out, average=False)[0].config
    assert (config.synthesis8_depth, config.analysis_depth) == (3, 4)
    new = aez("train", large, *options, *grow)
    assert new.code == 1 and "recipe photo-start: grow enlarges a model that is resumed" in new.err


def test_a_member_of_the_family_is_trained_and_exported(aez: Any, folder: Path, large: Path) -> None:
    out, exported = folder / "out.safetensors", folder / "weights.safetensors"
    options = ("--recipe", "plain", "--minutes", 0.01, "--out", out, "--device", "cpu")
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
    wrong = aez("train", large, *options[2:], "--recipe", "collapsed", "--resume", out)
    assert wrong.code == 1 and "plain" in wrong.err


def test_the_fits_of_the_recipe_are_measured_at_export(aez: Any, folder: Path, large: Path, tiny_path: Path) -> None:
    out, exported = folder / "out.safetensors", folder / "weights.safetensors"
    options = ("--minutes", 0.01, "--out", out, "--resume", tiny_path, "--device", "cpu", "--export", exported)
    changes = ("--set", "crop=64", "--set", "batch=1", "--set", 'fits=["grey"]')
    assert aez("train", large, *options, *changes).code == 0
    kinds = {name.split("_")[0] for name in read_weights(exported).tensors}
    assert "tables.grey" in kinds and not kinds & {"tables.context", "filter.mean", "copula.z"}
    wrong = aez("train", large, *options, *changes[:-1], 'fits=["gray"]')
    assert wrong.code == 1 and "recipe photo-start: fits has no 'gray'" in wrong.err


def test_misuse(aez: Any, folder: Path) -> None:
    needed = ("--minutes", 0, "--out", folder / "o")
    for options in ((folder / "a.png",), needed, (folder / "a.png", *needed[:2]), (folder / "a.png", *needed[2:])):
        result = aez("train", *options)
        assert result.code == 2 and "missing: " in result.err
    result = aez("train", folder / "a.png", *needed, "--recipe", "vae", "--valid", "a.png")
    assert result.code == 2 and "--valid is for the photo model" in result.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--recipe", "none"), "recipe none: neither a file nor one of collapsed, colouriser, denoiser, photo"),
        (("--set", "crop"), "recipe photo-start: --set takes KEY=VALUE, not 'crop'"),
        (("--set", "crop=100"), "recipe photo-start: crop must be a multiple of 64, not 100"),
        (("--recipe", "photo", "--set", "crop=128"), "crop must be at least 209 for perceptual and partial"),
        (
            ("--recipe", "photo", "--set", "partial=0", "--set", "crop=128"),
            "crop must be at least 161 for perceptual, not 128",
        ),
        (("--recipe", "vae", "--set", "normalisation=0.2"), "recipe vae: normalisation is for the model photo"),
        (("--recipe", "vae", "--set", "picture_filter=1"), "recipe vae: picture_filter is for the model photo"),
        (("--recipe", "vae", "--set", "distortion=perceptual"), "recipe vae: distortion is for the model photo"),
    ],
)
def test_wrong_settings(aez: Any, folder: Path, options: tuple[str, ...], message: str) -> None:
    result = aez("train", folder / "a.png", "--minutes", 0, "--out", folder / "o", "--device", "cpu", *options)
    assert result.code == 1
    assert message in result.err and result.err.count("\n") == 1


def test_listed_settings_are_a_recipe(aez: Any, folder: Path) -> None:
    listed = aez("train", "--recipe", "photo", "--set", "grow.synthesis8=3", "--list-settings")
    assert listed.code == 0
    (folder / "mine.toml").write_text(listed.out, encoding="utf-8")
    again = aez("train", "--recipe", folder / "mine.toml", "--list-settings")
    assert again.out == listed.out and "# Learning rate after the warm-up." in listed.out
