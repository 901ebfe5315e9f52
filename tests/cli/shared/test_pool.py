"""Worker processes: one bad file, a worker that dies, an interruption."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
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


@dataclass
class Signals(Copy):
    """A job that says in its error how a worker that starts takes SIGTERM."""

    def prepare(self) -> None:
        raise AezError(str(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL))


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
def test_a_worker_that_starts_ends_without_a_word(tmp_path: Path) -> None:
    """An exception in the middle of an import would be printed as a traceback."""
    with pytest.raises(AezError, match=r"^True$"):
        list(run_in_processes(Signals(FileRules()), pairs(tmp_path, "a", "b"), 2))


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


_MASK = """
import multiprocessing
import signal
from aez.cli.shared.batch.interrupts import children_do_not_see_ctrl_c

def show():
    print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=show)
    with children_do_not_see_ctrl_c():
        process.start()
    process.join()
"""


@pytest.mark.skipif(os.name != "posix", reason="no signals")
def test_the_first_child_does_not_see_ctrl_c_either(tmp_path: Path) -> None:
    (tmp_path / "mask.py").write_text(_MASK)
    done = subprocess.run([sys.executable, tmp_path / "mask.py"], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


_PARENT = """
import sys
sys.path.insert(0, sys.argv[1])
from test_pool import Slow, FileRules, pairs, run_in_processes
from pathlib import Path
if __name__ == "__main__":
    list(run_in_processes(Slow(FileRules()), pairs(Path(sys.argv[2]), "a", "b"), 2))
"""


@dataclass
class Slow(Copy):
    """A job that takes a minute, and says which process does it."""

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        Path(source).with_suffix(".pid").write_text(str(os.getpid()))
        time.sleep(60)
        return super().convert(source, target, progress)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    with subprocess.Popen([sys.executable, str(script), str(Path(__file__).parent), str(tmp_path)]) as parent:
        workers = [tmp_path / "0.pid", tmp_path / "1.pid"]
        until(lambda: all(path.is_file() and path.read_text() for path in workers))
        parent.kill()
    until(lambda: not any(alive(int(path.read_text())) for path in workers), 5)
    assert not list(tmp_path.glob("*.out"))


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(process: int) -> bool:
    """Check whether a process runs; one that nobody has waited for is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False
