"""Encode and decode in many threads and processes for minutes: no error, no growth of memory, the same results.

Every second process has the runtime torch, if it is installed. In each, threads encode and decode all the time: whole
pictures, regions, previews and symbols, of one tile and several, with alpha, grey and without loss. Every result is
compared with that of one thread alone, and digests between all processes. Memory is measured once a second. ``--out``
gets ``load.json`` and the plot ``load.png``.

    python -m aez.benchmarks.checks.load PICTURE... [--minutes 10] [--threads 16] [--processes 4] [--out load]
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click

from aez.benchmarks.checks.load_worker import job_files
from aez.benchmarks.commands import run, table
from aez.bitstream.errors import AezError
from aez.codec.extras import is_installed, require
from aez.codec.model.registry import DEFAULT_MODEL

_STATUS = "/proc/{}/status"
GROWTH = 0.05
"""Share by which memory may grow from the second fifth of the time to the last."""
SPARE_MB = 20.0
"""Growth that is no finding: what the memory of so many threads varies by."""


@dataclass
class Process:
    """One process and what it did.

    Attributes:
        runtime: what computes the networks.
        megabytes: resident memory at equal distances of about a second.
        jobs: results by kind.
        errors: what went wrong, the first few.
        digests: of the symbols of every file.
    """

    runtime: str
    megabytes: list[float]
    jobs: dict[str, int]
    errors: list[str]
    digests: list[str]

    @property
    def growth(self) -> float:
        """Megabytes from the second fifth of the time to the last, by their medians."""
        fifth = max(1, len(self.megabytes) // 5)
        return median(self.megabytes[-fifth:]) - median(self.megabytes[fifth : 2 * fifth] or self.megabytes)


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=16, show_default=True, help="Of each process.")
@click.option("--processes", type=click.IntRange(min=1), default=4, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("load"), show_default=True)
def command(pictures: tuple[Path, ...], minutes: float, threads: int, processes: int, out: Path) -> None:
    """Encode and decode in many threads and processes for minutes."""
    require("matplotlib", what="the plot")
    if not Path(_STATUS.format("self")).exists():
        raise AezError("the memory of processes can be measured on Linux only")
    runtimes = ["light", "torch"] if is_installed("torch") else ["light"]
    with TemporaryDirectory() as folder:
        job_files(pictures, DEFAULT_MODEL, Path(folder))
        team = run_team([runtimes[i % len(runtimes)] for i in range(processes)], Path(folder), minutes, threads)
    out.mkdir(parents=True, exist_ok=True)
    facts = {"minutes": minutes, "threads": threads, "processes": [asdict(one) for one in team]}
    (out / "load.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")
    draw(team, minutes, out / "load.png")
    header = ("process", "jobs", "errors", "first MB", "last MB", "growth MB")
    click.echo(table(header, [_row(number, one) for number, one in enumerate(team, 1)]))
    judge(team)


def run_team(runtimes: list[str], folder: Path, minutes: float, threads: int) -> list[Process]:
    """Start a process per runtime given, measure them until they end, and read what they did."""
    words = [sys.executable, "-m", "aez.benchmarks.checks.load_worker"]
    rest = [str(folder), str(60 * minutes), str(threads)]
    started = [
        subprocess.Popen([*words, runtime, *rest], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
        for runtime in runtimes
    ]
    samples: list[list[float]] = [[] for _ in runtimes]
    for process in started:
        assert process.stdout is not None  # a pipe
        if not process.stdout.readline():
            raise AezError("a process ended before it was ready")
    for process in started:
        assert process.stdin is not None  # a pipe
        process.stdin.write(b"\n")
        process.stdin.flush()
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        for process, megabytes in zip(started, samples, strict=True):
            if process.poll() is None:
                megabytes.append(_resident(process.pid))
        time.sleep(min(1.0, max(0.0, end - time.monotonic())))
    team = []
    for runtime, process, megabytes in zip(runtimes, started, samples, strict=True):
        output, _ = process.communicate()
        if process.returncode or not output or not megabytes:
            raise AezError(f"a process of the runtime {runtime} ended with code {process.returncode}")
        team.append(Process(runtime, megabytes, **json.loads(output)))
    return team


def _resident(pid: int) -> float:
    """Return the megabytes that a process has in memory."""
    for line in Path(_STATUS.format(pid)).read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) * 1024 / 1e6, 1)
    return 0.0


def _row(number: int, one: Process) -> tuple[str, ...]:
    jobs, first, last = sum(one.jobs.values()), one.megabytes[0], one.megabytes[-1]
    name = f"{number}, {one.runtime}"
    return name, str(jobs), str(len(one.errors)), f"{first:.0f}", f"{last:.0f}", f"{one.growth:+.1f}"


def judge(team: list[Process]) -> None:
    """Fail if anything went wrong.

    Raises:
        AezError: there were errors, memory grew, or processes disagree on symbols.
    """
    errors = [error for one in team for error in one.errors]
    if errors:
        raise AezError(f"{len(errors)} errors, the first: {errors[0]}")
    if any(one.digests != team[0].digests for one in team):
        raise AezError("processes decoded different symbols")
    for number, one in enumerate(team, 1):
        if one.growth > max(SPARE_MB, GROWTH * median(one.megabytes)):
            raise AezError(f"the memory of process {number} ({one.runtime}) grew by {one.growth:.0f} MB")


def draw(team: list[Process], minutes: float, path: Path) -> None:
    """Draw the memory of every process over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    for number, one in enumerate(team, 1):
        style = "-" if one.runtime == "light" else "--"
        times = [minutes * i / len(one.megabytes) for i in range(len(one.megabytes))]
        axes.plot(times, one.megabytes, style, label=f"{number}, {one.runtime}", linewidth=1)
    axes.set_xlabel("minutes")
    axes.set_ylabel("resident memory, MB")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(title="process", ncols=2)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    run(command)
