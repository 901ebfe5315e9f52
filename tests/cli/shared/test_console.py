"""Standard streams that are full, closed or broken, and names in what is printed on them: one line each."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aez.bitstream import AezError

FULL = Path("/dev/full")
needs_shell = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="no /dev/full here")


def shell(command: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """A shell's command line; ``$aez`` is the command, ``$1`` … the arguments."""
    environment = os.environ | {"aez": f"{sys.executable} -m aez.cli"}
    words = ["sh", "-c", command, "sh", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def one_line(done: subprocess.CompletedProcess[str], text: str) -> None:
    assert done.returncode == 1
    assert done.stderr.startswith("aez: ") and done.stderr.count("\n") == 1
    assert text in done.stderr


@needs_full
@pytest.mark.parametrize("command", ["info low.aez", "info --json low.aez", "models", "compress a.png --model $1"])
def test_full_output(folder: Path, tiny_path: Path, command: str) -> None:
    done = shell(f"$aez {command} > {FULL}", tiny_path, folder=folder)
    one_line(done, "standard output: cannot be written (No space left on device)")


@needs_full
def test_full_output_of_help(folder: Path) -> None:
    one_line(shell(f"$aez --help > {FULL}", folder=folder), "No space left on device")


@needs_shell
def test_a_reader_that_stops(folder: Path) -> None:
    done = shell("($aez info low.aez; echo $? >&2) | true", folder=folder)
    assert done.stderr in ("aez: standard output: cannot be written (Broken pipe)\n1\n", "0\n")


@needs_shell
@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("compress - <&-", "standard input: is closed"),
        ("compress - <a.png >&-", "standard output: is closed"),
        ("info - <&-", "standard input: is closed"),
    ],
)
def test_closed_streams(folder: Path, tiny_path: Path, command: str, text: str) -> None:
    one_line(shell(f"$aez {command.replace(' - ', ' - --model $1 ')}", tiny_path, folder=folder), text)


@needs_shell
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_that_are_not_needed(folder: Path, tiny_path: Path, closed: str) -> None:
    done = shell(f"$aez compress a.png --model $1 {closed}", tiny_path, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert shell("$aez info a.aez", folder=folder).returncode == 0


@needs_shell
@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(folder: Path, closed: str) -> None:
    """A library's prints would be written into it."""
    (folder / "program.py").write_text(
        "import os, sys\n"
        "from aez.cli import main\n"
        "sys.argv = ['aez', 'info', 'low.aez']\n"
        "try:\n    main()\n"
        "except SystemExit:\n    os._exit(0 if os.open('low.aez', os.O_RDONLY) > 2 else 5)\n"
    )
    assert shell(f"{sys.executable} program.py {closed}", folder=folder).returncode == 0


@pytest.mark.parametrize("command", ["info", "decompress", "compress"])
def test_names_cannot_steer_the_terminal(aez: Any, folder: Path, command: str) -> None:
    (folder / "esc\x1b]0;gone\x07.aez").write_bytes((folder / "low.aez").read_bytes())
    for name in ("esc\x1b]0;gone\x07.aez", "no\x1b[31m.aez"):
        result = aez(command, folder / name)
        assert "\x1b" not in result.out + result.err and "\x07" not in result.out + result.err


@needs_shell
def test_names_that_cannot_be_encoded(folder: Path) -> None:
    done = shell(
        "cp low.aez \"$(printf 'bad\\377.aez')\" && PYTHONIOENCODING=utf-8:strict $aez info bad*", folder=folder
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(28, "No space left on device", "x.aez"), "x.aez: No space left on device"),
        (OSError("odd"), "odd"),
        (ImportError("libtorch.so:\n failed to map"), "a package cannot be loaded (libtorch.so: failed to map)"),
        (KeyError("bug"), "error in aez, please report it (KeyError: 'bug')"),
        (AezError("cause"), "cause"),
    ],
)
def test_whatever_is_raised(
    aez: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    def fail(*_: Any) -> bytes:
        raise error

    monkeypatch.setattr("aez.cli.info.read_bytes", fail)
    result = aez("info", folder / "low.aez")
    assert (result.code, result.out, result.err) == (1, "", f"aez: {line}\n")
