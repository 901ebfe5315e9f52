"""Faults of the machine: killed processes, limits of the system, files that vanish or shrink, a missing environment."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aez.bitstream import read_container
from aez.cli import decompress
from aez.codec.base import PictureCodec

resource = pytest.importorskip("resource")
AEZ = [sys.executable, "-m", "aez.cli"]
NO_THREAD = 127  # glibc ends a process that has no memory for the data of a thread, whoever started that


def aez_process(*arguments: object, limits: dict[int, int] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""

    def limit() -> None:
        for number, value in (limits or {}).items():
            resource.setrlimit(number, (value, value))

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*AEZ, *map(str, arguments)], text=True, preexec_fn=limit, **pipes, **options)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process; return exit code and errors."""
    with process:
        _, error = process.communicate(timeout=120)
    assert "Traceback" not in error
    return process.returncode, error


@pytest.mark.parametrize("megabytes", [90, 150, 250, 400])
def test_little_memory(folder: Path, model: Any, megabytes: int) -> None:
    """Whatever runs out first, it is one line, and no output is left."""
    for command, name, out in (("decompress", "low.aez", "o.png"), ("info", "low.aez", None)):
        to = () if out is None else ("-o", folder / out)
        extra = ("--digest",) if out is None else ()
        limits = {resource.RLIMIT_AS: megabytes * 10**6}
        code, error = ended(aez_process(command, folder / name, *to, *extra, *model, limits=limits))
        if code == NO_THREAD:  # as the process ended, after our own line
            error, abort = error.removesuffix("\n").rsplit("\n", 1)
            assert abort.endswith("ABORT")
            code, error = 1, error + "\n"
        assert code in (0, 1)
        assert error.count("\n") == code, error
        assert not list(folder.glob(".*")) and (code == 0 or not (folder / "o.png").exists())


def test_little_space_for_a_file(folder: Path, model: Any) -> None:
    limits = {resource.RLIMIT_FSIZE: 4000}
    code, error = ended(aez_process("decompress", folder / "low.aez", "-o", folder / "o.png", *model, limits=limits))
    assert (code, error.count("\n")) == (1, 1)
    assert "cannot be written" in error
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "low.aez"]


def test_few_open_files(folder: Path, model: Any) -> None:
    limits = {resource.RLIMIT_NOFILE: 24}
    code, error = ended(aez_process("compress", folder / "a.png", "-o", folder / "o.aez", *model, limits=limits))
    assert code in (0, 1) and error.count("\n") == code


def test_no_home_and_no_temporary_folder(folder: Path, model: Any) -> None:
    environment = {key: value for key, value in os.environ.items() if key in ("PATH", "LD_LIBRARY_PATH")}
    environment |= {"TMPDIR": "/nowhere", "HOME": "/nowhere"}
    assert ended(aez_process("compress", folder / "a.png", *model, env=environment)) == (0, "")
    del environment["HOME"]
    target = folder / "o.png"
    assert ended(aez_process("decompress", folder / "a.aez", "-o", target, *model, env=environment)) == (0, "")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_run_is_continued(folder: Path, model: Any, jobs: int) -> None:
    (folder / "in").mkdir()
    for i in range(300):
        (folder / "in" / f"{i}.png").hardlink_to(folder / "a.png")
    words = ("compress", "-r", folder / "in", "-o", folder / "out", *model, "-j", jobs, "--skip-existing")
    process = aez_process(*words)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    process.kill()
    process.communicate()
    outputs = list((folder / "out").glob("*.aez"))
    assert 0 < len(outputs) < 300
    for path in outputs:
        read_container(path.read_bytes())
    assert ended(aez_process(*words))[0] == 0
    outputs = list((folder / "out").glob("*.aez"))
    assert len(outputs) == 300
    for path in outputs:
        read_container(path.read_bytes())
    assert all(path.suffix in (".aez", ".tmp") for path in (folder / "out").iterdir())


def test_two_processes_on_one_output(folder: Path, model: Any) -> None:
    processes = [aez_process("compress", folder / "a.png", "-o", folder / "o.aez", *model) for _ in range(3)]
    codes = [ended(process) for process in processes]
    assert sorted(code for code, _ in codes) == [0, 1, 1]
    assert all("exists already" in error for code, error in codes if code)
    read_container((folder / "o.aez").read_bytes())


@pytest.mark.parametrize("part", [("--region", "0,0,16,16"), ("--preview",), ()])
def test_an_input_that_shrinks_while_it_is_read(
    aez: Any, folder: Path, goldens: dict[str, bytes], model: Any, monkeypatch: pytest.MonkeyPatch, part: Any
) -> None:
    source = folder / "tiled.aez"
    source.write_bytes(goldens["tiled"])
    original = decompress.decoded_picture

    def shrinking(*arguments: Any, **options: Any) -> Any:
        os.truncate(source, 20)
        return original(*arguments, **options)

    monkeypatch.setattr(decompress, "decoded_picture", shrinking)
    result = aez("decompress", source, "-o", folder / "o.png", *part, *model)
    if part:
        assert (result.code, result.err) == (1, f"aez: {source}: the file became shorter while it was read\n")
    else:  # it was in memory
        assert result.code == 0


@pytest.mark.parametrize("what", ["input", "folder of outputs"])
def test_what_vanishes_meanwhile(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    (folder / "out").mkdir()
    original = PictureCodec.encode_with

    def vanishing(*arguments: Any, **options: Any) -> bytes:
        if what == "input":
            (folder / "a.png").unlink()
        else:
            shutil.rmtree(folder / "out")
        return original(*arguments, **options)

    monkeypatch.setattr(PictureCodec, "encode_with", vanishing)
    result = aez("compress", folder / "a.png", "-o", folder / "out" / "a.aez", *model)
    if what == "input":
        assert result.code == 0
    else:
        assert result.code == 1
        assert result.err.startswith(f"aez: {folder / 'out' / 'a.aez'}: cannot be written")
        assert result.err.count("\n") == 1
