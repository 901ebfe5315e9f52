"""Worker processes: one bad file, a worker that dies, an interruption."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from aez.bitstream import AezError
from aez.cli.shared.batch.jobs import Converted, FileRules, Job, Progress
from aez.cli.shared.batch.pool import run_in_processes
from aez.cli.shared.batch.results import Result


@dataclass
class Copy(Job):
    """A job without torch, so that workers start at once; it fails as the file's text says."""

    rules: FileRules
    broken: bool = False

    def prepare(self) -> None:
        if self.broken:
            raise AezError("no such model")

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        text = Path(source).read_text()
        if text == "bad":
            raise AezError(f"{source}: bad")
        if text == "killed":
            os.kill(os.getpid(), 9)
        return Converted(text.encode(), 1, 1, len(text))

    def verify(self, written: bytes) -> None:
        pass

    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        return output_bytes

    def describe(self, result: Result) -> str:
        return result.source


def pairs(folder: Path, *texts: str) -> list[tuple[str, str]]:
    for i, text in enumerate(texts):
        (folder / f"{i}.in").write_text(text)
    return [(str(folder / f"{i}.in"), str(folder / f"{i}.out")) for i in range(len(texts))]


@pytest.mark.skipif(os.name != "posix", reason="no signals")
def test_bad_files_and_dead_workers_cost_only_themselves(tmp_path: Path) -> None:
    texts = ("a", "bad", "b", "killed", "c", "d")
    results = list(run_in_processes(Copy(FileRules()), pairs(tmp_path, *texts), 2))
    status = {Path(r.source).stem: r.status for r in results}
    assert status == {"0": "done", "1": "failed", "2": "done", "3": "failed", "4": "done", "5": "done"}
    dead = next(r for r in results if Path(r.source).stem == "3")
    assert "the worker process ended (signal 9" in str(dead.error)
    assert sorted(p.read_text() for p in tmp_path.glob("*.out")) == ["a", "b", "c", "d"]


def test_what_no_worker_can_do_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(AezError, match=r"^no such model$"):
        list(run_in_processes(Copy(FileRules(), broken=True), pairs(tmp_path, "a", "b"), 2))


@pytest.mark.skipif(os.name != "posix", reason="no signals")
@pytest.mark.parametrize(("number", "jobs"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_interruptions_leave_no_partial_file(folder: Path, tiny_path: Path, number: int, jobs: int) -> None:
    (folder / "in").mkdir()
    for i in range(1500):  # more than are done before the signal, on a busy machine, too
        (folder / "in" / f"{i}.png").hardlink_to(folder / "a.png")
    command = [sys.executable, "-m", "aez.cli", "compress", "-r", str(folder / "in"), "-o", str(folder / "out")]
    command += ["--model", str(tiny_path), "-j", str(jobs)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background has Ctrl-C ignored, which they would inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert any(line.startswith("aez: interrupted: ") for line in error.splitlines())
    assert "Traceback" not in error
    names = [path.name for path in (folder / "out").iterdir()]
    assert 0 < len(names) < 1500
    assert all(name.endswith(".aez") for name in names)
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.killpg(process.pid, 0)  # none of its processes is left
            time.sleep(0.05)
