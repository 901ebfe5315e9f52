"""The limits have the same names and defaults in the library, on the command line and in the Pillow plugin."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aez.bitstream import Limits
from aez.cli.decompress import command as decompress
from aez.cli.info import command as info
from aez.codec import pillow

LOW = {
    "max_pixels": 14999,
    "max_side": 149,
    "max_memory": 10**6,
    "max_symbols": 100,
    "max_metadata": 99,
    "max_chunks": 2,
    "max_pixels_per_byte": None,
}
"""A value of each limit that the file ``low.aez`` of 150×100 pixels is above; None where there is none."""


@pytest.mark.parametrize("command", [decompress, info])
def test_every_limit_is_an_option(command: Any) -> None:
    options = {option.name: option for option in command.params}
    for field in fields(Limits):
        assert options[field.name].opts == [f"--{field.name.replace('_', '-')}"]
        assert options[field.name].default == field.default
    assert set(LOW) == {field.name for field in fields(Limits)}


@pytest.mark.parametrize("name", [name for name, value in LOW.items() if value is not None and name != "max_metadata"])
def test_every_limit_holds(aez: Any, folder: Path, model: Any, name: str) -> None:
    option = f"--{name.replace('_', '-')}"
    for command in (("decompress",), ("info", "--digest")):
        result = aez(*command, folder / "low.aez", *model, option, LOW[name])
        assert result.code == 1
        assert "above the limit" in result.err or "than the limit" in result.err


def test_sizes_have_units(aez: Any, folder: Path, model: Any) -> None:
    assert aez("info", "--digest", folder / "low.aez", *model, "--max-memory", "2GiB").code == 0
    assert "10 MB" in aez("info", "--digest", folder / "low.aez", *model, "--max-memory", "0.01GB").err


@pytest.mark.parametrize("name", ["max_pixels", "max_side"])
def test_the_plugin_has_them(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(pillow, "limits", Limits(**{name: LOW[name]}))
    with pytest.raises(Image.DecompressionBombError, match="limit"):
        Image.open(folder / "low.aez")


def test_the_plugin_limits_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.aez", content="photo")
    monkeypatch.setattr(pillow, "limits", Limits(max_memory=10**6))
    with Image.open(tmp_path / "a.aez") as image, pytest.raises(OSError, match="memory"):
        image.load()
