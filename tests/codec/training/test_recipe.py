"""Recipes: what each packaged one sets, and errors that name the recipe and the key."""

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from aez.bitstream import AezError
from aez.codec.family.members import MODELS
from aez.codec.training.recipe import BASE, load_recipe, recipe_names
from aez.codec.training.settings import SETTINGS


def changed(recipe: str) -> dict[str, Any]:
    """The settings of a recipe that differ from the base's."""
    base = asdict(load_recipe(BASE))
    return {key: value for key, value in asdict(load_recipe(recipe)).items() if value != base[key] and key != "recipe"}


def test_every_model_has_a_recipe() -> None:
    assert set(recipe_names()) == {"photo", "photo-psnr", "photo-start", *MODELS}
    assert all(load_recipe(name).model == name for name in MODELS)
    assert all(load_recipe(name).model == "photo" for name in ("photo", "photo-psnr", "photo-start"))


def test_photo_psnr_is_the_last_training_of_the_packaged_model() -> None:
    """As docs/training-log.md and the model card have it: 30.40 to 33.98 Gpixel."""
    last = {
        "optimiser": "soap",
        "learning_rate": 8e-4,
        "batch": 16,
        "crop": 256,
        "candidates": 2,
        "normalisation": 0.5,
        "picture_filter": 1.0,
        "distortion": "mse",
        "drawn": 0.0,
        "partial": 0.0,
        "average": 0.998,
    }
    settings = asdict(load_recipe("photo-psnr"))
    assert {key: settings[key] for key in last} == last
    assert settings["symbols"] == "rounded"
    assert round(72 * settings["decay"]) == 57


def test_photo_differs_from_photo_psnr_in_its_distortion_and_its_crops() -> None:
    photo, other = (asdict(load_recipe(name)) for name in ("photo", "photo-psnr"))
    assert {key for key in photo if photo[key] != other[key]} == {
        "recipe", "distortion", "decay", "drawn", "partial"
    }  # fmt: skip
    assert photo["distortion"] == "perceptual"


def test_a_new_model_starts_with_adamw_and_noise() -> None:
    assert changed("photo-start") == {
        "learning_rate": 6e-4,
        "batch": 8,
        "crop": 256,
        "drawn": 0.06,
        "partial": 0.4,
    }
    start = load_recipe("photo-start")
    assert (start.optimiser, start.symbols, start.decay, start.normalisation) == ("adamw", "noisy", 0.0, 0.4)
    assert (start.warmup, start.candidates, start.save_minutes, start.average) == (100, 1, 3.0, 0.998)


@pytest.mark.parametrize(
    ("recipe", "crop", "batch", "rate"),
    [
        ("sparse", 128, 16, 1e-3),
        ("sparse-l0", 128, 16, 1e-3),
        ("vae", 128, 48, 4e-4),
        ("collapsed", 128, 16, 1e-3),
        ("plain", 128, 16, 1e-3),
        ("colouriser", 256, 4, 1e-3),
        ("denoiser", 128, 8, 1e-3),
        ("style", 192, 8, 5e-4),
    ],
)
def test_members_of_the_family(recipe: str, crop: int, batch: int, rate: float) -> None:
    settings = load_recipe(recipe)
    assert (settings.crop, settings.batch, settings.learning_rate) == (crop, batch, rate)
    assert set(changed(recipe)) <= {"model", "crop", "batch", "learning_rate"}


@pytest.mark.torch
def test_the_base_measures_every_fit() -> None:
    from aez.codec.training.fits import FITS

    assert load_recipe(BASE).fits == tuple(fit.name for fit in FITS)


def test_settings_are_overridden() -> None:
    settings = load_recipe("photo", ["optimiser=adamw", "learning_rate = 1", "grow.analysis=4", "grow.synthesis8=3"])
    assert (settings.optimiser, settings.learning_rate) == ("adamw", 1.0)
    assert settings.grow == {"analysis": 4, "synthesis8": 3}
    assert isinstance(settings.learning_rate, float)


def test_a_file_is_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "photo"\nbatch = 3\n')
    settings = load_recipe(str(tmp_path / "mine.toml"))
    assert (settings.batch, settings.optimiser) == (3, "soap")
    (tmp_path / "mine.toml").write_text("batch = 3\n")
    assert load_recipe(str(tmp_path / "mine.toml")).optimiser == "adamw"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bath = 3", r"there is no setting 'bath'; there are model, optimiser"),
        ("recipe = 'x'", r"there is no setting 'recipe'"),
        ("batch = 3.0", r"batch must be a whole number, not 3\.0"),
        ("batch = true", r"batch must be a whole number, not True"),
        ("batch = 0", r"batch must be at least 1, not 0"),
        ("learning_rate = 0", r"learning_rate must be above 0, not 0"),
        ("learning_rate = inf", r"learning_rate must be finite, not inf"),
        ("decay = nan", r"decay must be finite, not nan"),
        ("decay = 1.5", r"decay must be at most 1, not 1\.5"),
        ("average = 1.0", r"average must be below 1, not 1\.0"),
        ("optimiser = 'muon'", r"optimiser must be one of adamw, soap, not 'muon'"),
        ("picture_filter = true", r"picture_filter must be a number, not True"),
        ("fits = 'grey'", r"fits must be a list of texts, not 'grey'"),
        ("grow = {analysis = 'x'}", r"grow must be a table of whole numbers"),
        ("model = 'photos'", r"model must be one of photo, sparse"),
        ("base = 'mine.toml'", r"base must be one of collapsed"),
        ("batch", r"not a TOML file"),
    ],
)
def test_errors_name_recipe_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(AezError, match=rf"^recipe .*mine\.toml: {message}"):
        load_recipe(str(path))


def test_every_setting_is_described() -> None:
    listing = load_recipe(BASE).listing()
    assert all(f"# {setting.text}" in listing and f"\n{key} = " in listing for key, setting in SETTINGS.items())


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AezError, match="neither a file nor one of"):
        load_recipe(str(tmp_path / "missing.toml"))
    with pytest.raises(AezError, match="cannot be read"):
        load_recipe(str(tmp_path))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(AezError, match="not a TOML file"):
        load_recipe(str(tmp_path / "bytes.toml"))


def test_recipes_are_read_without_torch() -> None:
    code = "import sys; from aez.codec.training.recipe import load_recipe as f; f('vae'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
