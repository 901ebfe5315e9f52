"""Recipes: training settings in small TOML files, each named after the model it makes.

A recipe overrides another packaged recipe, named by its key ``base``; without that key, it overrides ``base.toml``,
which has a value for every setting. Importing this module does not import torch.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from aez.bitstream.errors import AezError
from aez.codec.training.settings import Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "recipes"
BASE = "base"


def recipe_names() -> list[str]:
    """Return the names of the packaged recipes, without the base."""
    return sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != BASE)


def load_recipe(recipe: str, changes: Sequence[str] = ()) -> Settings:
    """Read a recipe.

    Args:
        recipe: name of a packaged recipe, or path of a TOML file.
        changes: settings to override, each ``key=value``. The value is TOML, or a text without quotes.

    Raises:
        AezError: the recipe cannot be read, or a setting is unknown, of the wrong type or out of range.
    """
    values = _values(recipe)
    for change in changes:
        for key, value in _change(recipe, change).items():
            old = values.get(key)
            merged = isinstance(value, dict) and isinstance(old, dict)
            values[key] = {**old, **value} if merged else value  # type: ignore[dict-item]
    return Settings.checked(recipe, values, _values(BASE))


def _values(recipe: str) -> dict[str, object]:
    """Return the values of a recipe over those of its base."""
    packaged = FOLDER / f"{recipe}.toml" if recipe in (*recipe_names(), BASE) else None
    path = packaged or Path(recipe)
    try:
        values: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AezError(f"recipe {recipe}: neither a file nor one of {', '.join(recipe_names())}") from None
    except OSError as error:
        raise AezError(f"recipe {recipe}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise AezError(f"recipe {recipe}: not a TOML file ({error})") from None
    if recipe == BASE:
        return values
    base = values.pop("base", BASE)
    if base not in (*recipe_names(), BASE) or base == recipe:
        raise AezError(f"recipe {recipe}: base must be one of {', '.join(recipe_names())}, not {base!r}")
    return _values(str(base)) | values


def _change(recipe: str, text: str) -> dict[str, object]:
    """Return the setting that ``key=value`` names and its value."""
    key, equals, value = text.partition("=")
    if not equals:
        raise AezError(f"recipe {recipe}: --set takes KEY=VALUE, not {text!r}")
    try:
        return tomllib.loads(text)
    except ValueError:
        return {key.strip(): value.strip()}
