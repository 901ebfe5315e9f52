"""The settings of a training run: meaning, type and range of each. Recipes hold the values.

Importing this module does not import torch.
"""

import json
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from aez.bitstream.errors import AezError
from aez.codec.family.members import MODELS

FLAGSHIP = "photo"
"""The ``model`` of recipes that train the codec's own networks; all other models are members of the family."""
DISTORTIONS = ("mse", "perceptual")
SYMBOLS = ("noisy", "rounded", "chosen", "mixed")
OPTIMISERS = ("adamw", "soap")
CROP_MULTIPLE = 64
"""Crops of the codec's own networks hold whole hyper-latents, 64 pixels a side."""


@dataclass(frozen=True)
class Setting:
    """The meaning and the range of one setting.

    Attributes:
        text: meaning, one line.
        low: smallest value.
        high: largest value.
        above: bound that the value must exceed.
        below: bound that the value must stay under.
        choices: allowed texts; empty if any text is allowed.
        flagship: only the codec's own model has this setting; elsewhere it keeps the base's value.
    """

    text: str
    low: float = -math.inf
    high: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    choices: tuple[str, ...] = ()
    flagship: bool = False

    def fault(self, value: Any) -> str | None:
        """Return what ``value``, which has the right type, must be instead; None if it is in range."""
        if self.choices and value not in self.choices:
            return f"be one of {', '.join(self.choices)}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        if not math.isfinite(value):
            return "be finite"
        for bound, words, kept in (
            (self.low, "be at least", value >= self.low),
            (self.high, "be at most", value <= self.high),
            (self.above, "be above", value > self.above),
            (self.below, "be below", value < self.below),
        ):
            if not kept:
                return f"{words} {bound:g}"
        return None


@dataclass(frozen=True)
class Settings:
    """Every setting of a training run, checked. The recipe ``base`` holds the defaults.

    Attributes:
        recipe: name of the recipe, for messages.
    """

    recipe: str
    model: Annotated[
        str,
        Setting(
            "What is trained: photo (the codec's own networks) or a member of the family.", choices=(FLAGSHIP, *MODELS)
        ),
    ]
    optimiser: Annotated[str, Setting("Optimiser.", choices=OPTIMISERS)]
    learning_rate: Annotated[float, Setting("Learning rate after the warm-up.", above=0)]
    warmup: Annotated[int, Setting("Steps over which the learning rate rises linearly.", low=1)]
    decay: Annotated[
        float, Setting("Last share of the minutes, in which the learning rate falls linearly to zero.", low=0, high=1)
    ]
    average: Annotated[
        float, Setting("Decay per step of the exponential moving average of the weights.", low=0, below=1)
    ]
    batch: Annotated[int, Setting("Crops per step and process.", low=1)]
    crop: Annotated[int, Setting("Side of a crop in pixels; a multiple of 64 for photo.", low=32)]
    candidates: Annotated[
        int, Setting("Places tried for each crop; the one with the most detail is taken.", low=1, high=64)
    ]
    drawn: Annotated[
        float,
        Setting("Share of crops that are drawn shapes in saturated colours, not photographs.", low=0, high=1),
    ]
    partial: Annotated[
        float,
        Setting(
            "Share of batches cut by 0 to 48 pixels, so that they end in part of a hyper-latent.",
            low=0,
            high=1,
            flagship=True,
        ),
    ]
    distortion: Annotated[str, Setting("Distortion to minimise beside the rate.", choices=DISTORTIONS, flagship=True)]
    normalisation: Annotated[
        float,
        Setting(
            "Power of λ that divides the loss of a crop: low values favour high qualities.",
            low=0,
            high=1,
            flagship=True,
        ),
    ]
    picture_filter: Annotated[
        float,
        Setting(
            "Share of crops whose distortion is measured behind the adaptive loop filter, fitted to every crop.",
            low=0,
            high=1,
            flagship=True,
        ),
    ]
    symbols: Annotated[
        str,
        Setting(
            "Symbols that the rate counts: noisy; for a last phase rounded, chosen by RDO, or mixed (half of each).",
            choices=SYMBOLS,
            flagship=True,
        ),
    ]
    grow: Annotated[
        dict[str, int],
        Setting(
            "Larger sizes of the resumed model: blocks of a stack, synthesis16 = 3, quality points, points = 18, "
            "latent channels, latent = 400.",
            flagship=True,
        ),
    ]
    fits: Annotated[
        tuple[str, ...], Setting("What is measured on the training pictures at export, by name.", flagship=True)
    ]
    save_minutes: Annotated[float, Setting("Minutes between checkpoints.", low=0)]
    seed: Annotated[int, Setting("Seed of crops, qualities and noise; each process adds its rank.")]

    @classmethod
    def checked(cls, recipe: str, values: Mapping[str, object], base: Mapping[str, object]) -> "Settings":
        """Check values and build the settings.

        Args:
            recipe: name of the recipe, for messages.
            values: a value for each setting, as TOML gives them.
            base: the defaults, which settings of the codec's own model keep in recipes of the family.

        Raises:
            AezError: a key is unknown or missing, or a value has the wrong type or is out of range.
        """
        unknown = set(values) - set(SETTINGS)
        if unknown:
            raise AezError(f"recipe {recipe}: there is no setting {min(unknown)!r}; there are {', '.join(SETTINGS)}")
        missing = [key for key in SETTINGS if key not in values]
        if missing:
            raise AezError(f"recipe {recipe}: {missing[0]} has no value")
        typed = {key: _typed(recipe, key, value) for key, value in values.items()}
        settings = cls(recipe, **typed)  # type: ignore[arg-type]  # _typed has checked the types
        for key, setting in SETTINGS.items():
            fault = setting.fault(typed[key])
            if fault:
                raise settings.error(key, f"must {fault}, not {values[key]!r}")
            if setting.flagship and settings.model != FLAGSHIP and values[key] != base.get(key):
                raise settings.error(key, f"is for the model {FLAGSHIP}, not for {settings.model}")
        if settings.model == FLAGSHIP and settings.crop % CROP_MULTIPLE:
            raise settings.error("crop", f"must be a multiple of {CROP_MULTIPLE}, not {settings.crop}")
        return settings

    def error(self, key: str, fault: str) -> AezError:
        """Return the error that a setting causes; ``fault`` continues the sentence after the key."""
        return AezError(f"recipe {self.recipe}: {key} {fault}")

    def listing(self) -> str:
        """Return all settings with their values and meaning, a TOML document that is a recipe itself."""
        lines = []
        for key, setting in SETTINGS.items():
            choices = f" One of {', '.join(setting.choices)}." if setting.choices else ""
            lines.append(f"# {setting.text}{choices}\n{key} = {_toml(getattr(self, key))}\n")
        return "\n".join(lines)


_HINTS = typing.get_type_hints(Settings, include_extras=True)
SETTINGS: dict[str, Setting] = {
    field.name: _HINTS[field.name].__metadata__[0] for field in fields(Settings) if field.name != "recipe"
}
"""Name of each setting to its meaning and range."""
_TYPES = {key: typing.get_args(_HINTS[key])[0] for key in SETTINGS}
_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple[str, ...]: "a list of texts",
    dict[str, int]: "a table of whole numbers",
}


def _typed(recipe: str, key: str, value: object) -> object:
    """Return a TOML value as the setting's type.

    Raises:
        AezError: the value is of another type.
    """
    wanted = _TYPES[key]
    if wanted is float and type(value) is int:
        return float(value)
    if wanted == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if wanted == dict[str, int] and isinstance(value, dict) and all(type(item) is int for item in value.values()):
        return dict(value)
    if type(value) is not wanted:
        raise AezError(f"recipe {recipe}: {key} must be {_WORDS[wanted]}, not {value!r}")
    return value


def _toml(value: object) -> str:
    """Write a setting's value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {number}" for name, number in value.items()) + "}"
    return json.dumps(list(value) if isinstance(value, tuple) else value)
