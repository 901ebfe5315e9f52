"""Faults of the machine: killed processes, limits of the system, files that vanish or shrink, a missing environment."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
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
        try:
            _, error = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
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
        if code == -signal.SIGABRT:  # as Rust's allocator, which the entropy coder has, ends a process
            assert error.startswith("memory allocation of ")
            code, error = 1, "\n"
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
    for i in range(150):
        (folder / "in" / f"{i}.png").hardlink_to(folder / "a.png")
    words = ("compress", "-r", folder / "in", "-o", folder / "out", *model, "-j", jobs, "--skip-existing")
    process = aez_process(*words)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    process.kill()
    process.communicate()
    outputs = list((folder / "out").glob("*.aez"))
    assert 0 < len(outputs) < 150
    for path in outputs:
        read_container(path.read_bytes())
    assert ended(aez_process(*words))[0] == 0
    outputs = list((folder / "out").glob("*.aez"))
    assert len(outputs) == 150
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 KiB in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=8k,mode=777", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("disks cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_disk_that_is_full(folder: Path, small_disk: Path, model: Any, overwrite: bool) -> None:
    target = small_disk / "o.png"
    if overwrite:
        target.write_bytes(b"precious")
    words = ("decompress", folder / "low.aez", "-o", target, *model, *(["--overwrite"] if overwrite else []))
    code, error = ended(aez_process(*words))
    assert (code, error) == (1, f"aez: {target}: cannot be written (No space left on device)\n")
    assert [(path.name, path.read_bytes()) for path in small_disk.iterdir()] == [("o.png", b"precious")] * overwrite


def test_a_disk_that_becomes_full(folder: Path, small_disk: Path, model: Any) -> None:
    """Every file takes a page of 4 KiB, and a folder run writes two."""
    (folder / "in").mkdir()
    for i in range(5):
        (folder / "in" / f"{i}.png").hardlink_to(folder / "a.png")
    code, error = ended(aez_process("compress", "-r", folder / "in", "-o", small_disk, *model, "--quiet"))
    outputs = list(small_disk.iterdir())
    assert code == 1 and 0 < len(outputs) < 5
    assert error.count("No space left on device") == error.count("\n") == 5 - len(outputs)
    for path in outputs:
        read_container(path.read_bytes())


def test_a_disk_that_is_read_only(folder: Path, small_disk: Path, model: Any) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, error = ended(aez_process("compress", folder / "a.png", "-o", small_disk / "o.aez", *model))
    assert (code, error) == (1, f"aez: {small_disk / 'o.aez'}: cannot be written (Read-only file system)\n")


def test_pipes_with_names(folder: Path, model: Any) -> None:
    for name in ("in", "out"):
        os.mkfifo(folder / name)
    process = aez_process("compress", folder / "in", "-o", folder / "out", *model)
    (folder / "in").write_bytes((folder / "a.png").read_bytes())
    read_container((folder / "out").read_bytes())
    assert ended(process) == (0, "")
    for data, reason in ((b"", "is empty"), ((folder / "low.aez").read_bytes()[:50], "ends inside")):
        process = aez_process("decompress", folder / "in", "-o", folder / "o.png", *model)
        (folder / "in").write_bytes(data)
        code, error = ended(process)
        assert (code, error.count("\n")) == (1, 1) and reason in error
    assert not (folder / "o.png").exists()


def test_links_that_lead_nowhere(folder: Path, model: Any) -> None:
    (folder / "gone").symlink_to(folder / "nothing")
    (folder / "ring").symlink_to(folder / "ring")
    for name in ("gone", "ring"):
        for words in (("compress", folder / name), ("decompress", folder / name), ("info", folder / name)):
            code, error = ended(aez_process(*words, *model))
            assert (code, error.count("\n")) == (1, 1) and error.startswith(f"aez: {folder / name}: ")
    code, error = ended(aez_process("compress", folder / "a.png", "-o", folder / "ring", "--overwrite", *model))
    assert (code, error.count("\n")) == (1, 1) and "ring" in error
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "gone", "low.aez", "ring"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_worker_that_is_killed(folder: Path, model: Any) -> None:
    """As the system does that runs out of memory: one file fails, the run goes on."""
    (folder / "in").mkdir()
    for i in range(120):
        (folder / "in" / f"{i}.png").hardlink_to(folder / "a.png")
    process = aez_process("compress", "-r", folder / "in", "-o", folder / "out", *model, "-j", 2)
    assert process.stdout is not None
    for _ in range(10):
        process.stdout.readline()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    times = {pid: int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11]) for pid in workers}
    os.kill(int(max(workers, key=times.__getitem__)), 9)  # not one that may still be starting
    code, error = ended(process)
    assert code == 1
    assert error.count("the worker process ended (signal 9") == 1
    outputs = list((folder / "out").iterdir())
    assert len(outputs) == 119 and all(path.suffix == ".aez" for path in outputs)
