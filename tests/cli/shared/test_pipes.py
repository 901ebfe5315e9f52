"""Standard input and output carry files; everything said goes to standard error."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aez.codec.codec import Codec


def run(*arguments: object, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "aez.cli", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False)


def test_there_and_back(folder: Path, model: Any, codec: Codec) -> None:
    picture = (folder / "a.png").read_bytes()
    made = run("compress", "-", *model, "--threads", 1, data=picture)
    assert made.returncode == 0
    assert codec.decode(made.stdout).size == (40, 30)
    assert made.stderr.decode().startswith("standard input → standard output: ")
    back = run("decompress", "-", "-f", "bmp", *model, "--quiet", data=made.stdout)
    assert (back.returncode, back.stderr) == (0, b"")
    with Image.open(io.BytesIO(back.stdout)) as image:
        assert (image.format, image.size) == ("BMP", (40, 30))


def test_between_pipes_and_files(aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO((folder / "a.png").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    result = aez("compress", "-", "-o", folder / "piped.aez", *model, "--json")
    assert (result.code, result.err) == (0, "")
    facts = json.loads(result.out)
    assert (facts["input"], facts["input_bytes"]) == ("-", (folder / "a.png").stat().st_size)
    assert facts["output_bytes"] == (folder / "piped.aez").stat().st_size


def test_json_goes_aside(folder: Path, model: Any) -> None:
    made = run("compress", folder / "a.png", "-o", "-", *model, "--json")
    assert made.stdout[:4] == b"\x89aez"
    assert json.loads(made.stderr)["output"] == "-"


@pytest.mark.parametrize("command", ["compress", "decompress"])
@pytest.mark.parametrize("data", [b"", b"neither picture nor aez"])
def test_bad_input(command: str, data: bytes, model: Any) -> None:
    done = run(command, "-", *model, data=data)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith("aez: standard input: ")
    assert done.stderr.count(b"\n") == 1


def test_too_much_input(aez: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO((folder / "low.aez").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    monkeypatch.setattr("aez.cli.shared.storage.MAX_INPUT", 100)
    result = aez("decompress", "-", "-o", folder / "x.png")
    assert (result.code, result.err) == (1, "aez: standard input: more than 100 bytes\n")


def test_a_reader_that_stops(folder: Path, model: Any) -> None:
    command = [sys.executable, "-m", "aez.cli", "compress", str(folder / "a.png"), "-o", "-", *map(str, model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        error = process.stderr.read().decode()
    assert process.returncode == 1
    assert error.startswith("aez: standard output: cannot be written")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("compress", "-", "a.png"),
        ("compress", "a.png", "low.aez", "-o", "-"),
        ("compress", "-", "-o", "."),
        ("compress", "-", "-o", "x.aez", "--delete-source"),
        ("compress", "a.png", "-o", "-", "--delete-source"),
        ("decompress", "low.aez", "-f", "xyz"),
    ],
)
def test_what_cannot_be(aez: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(folder)
    names = sorted(folder.iterdir())
    result = aez(*arguments)
    assert result.code in (1, 2)
    assert result.out == ""
    assert sorted(folder.iterdir()) == names


def test_terminals_get_no_binary(aez: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    result = aez("compress", folder / "a.png", "-o", "-")
    assert (result.code, result.out) == (1, "")
    assert "terminal" in result.err
