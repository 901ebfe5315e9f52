"""Throughput of `aez compress` on small pictures: `--jobs 1`, `--jobs 2`, and Ray on this machine.

Every setting runs on N pictures and on 2N. The totals include start-up; the rate without it is N
divided by the difference of the two times. Rates per core are divided by the number of processes.

    python -m aez.benchmarks.throughput FOLDER [--count 1000] [--side 128] [--repeats 1]
"""

import importlib.util
import math
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from PIL import Image

from aez.benchmarks.commands import model_option, run, table
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.bitstream.errors import AezError
from aez.codec.threads import available_cores


def cut_pictures(sources: list[Path], out: Path, count: int, side: int) -> None:
    """Write ``count`` PNG files of side × side pixels, cut from the pictures in turn at different places."""
    images: list[Image.Image] = [image for image in map(read_rgb, sources) if min(image.size) >= side]
    if not images:
        raise AezError(f"no picture has {side} pixels a side")
    for i in range(count):
        image = images[i % len(images)]
        left, top = (i * 37) % (image.width - side + 1), (i * 61) % (image.height - side + 1)
        image.crop((left, top, left + side, top + side)).save(out / f"{i:05d}.png")


def time_run(folder: Path, out: Path, options: list[str]) -> float:
    """Time a whole run in seconds.

    Raises:
        AezError: the command failed, or did not report every picture.
    """
    command = [sys.executable, "-m", "aez.cli", "compress", "-r", str(folder), "-o", str(out), "--json", *options]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode or len(done.stdout.splitlines()) != len(list(folder.iterdir())):
        raise AezError(f"aez compress {' '.join(options)} failed")
    return seconds


def steady_rate(count: int, short: float, long: float) -> float:
    """Compute pictures per second without start-up from two run times; NaN if noise hides it."""
    return count / (long - short) if long > short else math.nan


@dataclass(frozen=True)
class Timing:
    """Times of one setting: seconds of N and of 2N pictures, medians over the repeats."""

    name: str
    processes: int
    count: int
    short: float
    long: float

    @property
    def steady(self) -> float:
        """Pictures per second without start-up."""
        return steady_rate(self.count, self.short, self.long)

    def row(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        total = 2 * self.count / self.long
        start_up = self.short - self.count / self.steady
        cells = (self.short, self.long, start_up, total, total / self.processes, self.steady)
        return self.name, str(self.processes), *(f"{cell:.1f}" for cell in (*cells, self.steady / self.processes))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@model_option
@click.option("--count", type=click.IntRange(min=2), default=1000, show_default=True, help="Pictures; then twice that.")
@click.option("--side", type=click.IntRange(min=1), default=128, show_default=True, help="Their side in pixels.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Runs; medians are reported.")
def command(folder: Path, model: str, count: int, side: int, repeats: int) -> None:
    """Time `aez compress` on small pictures cut from those in FOLDER."""
    cores = available_cores()
    runs = [("--jobs 1", 1, ["--jobs", "1", "--threads", "1"]), ("--jobs 2", 2, ["--jobs", "2", "--threads", "2"])]
    if importlib.util.find_spec("ray") is None:
        click.echo("Ray is left out: it is not installed (pip install 'aez[ray]')")
    else:
        runs.append(("--ray local", cores, ["--ray", "local"]))
    seconds: dict[tuple[str, int], list[float]] = {}
    with TemporaryDirectory() as temporary:
        sources = list_pictures(folder)
        sizes = (count, 2 * count)
        for size in sizes:
            pictures = Path(temporary) / f"in{size}"
            pictures.mkdir()
            cut_pictures(sources, pictures, size, side)
        # Settings alternate, so that other load on the machine affects all of them.
        for _ in range(repeats):
            for size in sizes:
                for name, _, options in runs:
                    with TemporaryDirectory(dir=temporary) as out:
                        taken = time_run(Path(temporary) / f"in{size}", Path(out), ["--model", model, *options])
                    seconds.setdefault((name, size), []).append(taken)
    timings = [
        Timing(name, processes, count, *(statistics.median(seconds[name, size]) for size in sizes))
        for name, processes, _ in runs
    ]
    click.echo(f"{count} and {2 * count} pictures of {side}×{side} pixels")
    header = ("", "processes", "s of N", "s of 2N", "start-up s", "pictures/s", "per core", "steady/s", "per core")
    click.echo(table(header, [timing.row() for timing in timings]))
    by_name = {timing.name: timing for timing in timings}
    if "--ray local" in by_name:
        ratio = by_name["--ray local"].steady / by_name["--jobs 2"].steady
        click.echo(f"Ray : --jobs 2 without start-up {ratio:.2f}, on {cores} cores")


if __name__ == "__main__":
    run(command)
