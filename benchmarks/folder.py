"""Throughput of the command on a folder of small pictures: `--jobs 1`, `--jobs 2`, and Ray on this machine.

Start-up is in the times, as it is for a user; with ``--json`` lines the time from the first result to the last tells
the steady rate without it. Per core means: a run's rate divided by its processes.

    python -m aez.benchmarks.folder FOLDER [--count 1000] [--side 128]
"""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from PIL import Image

from aez.benchmarks.console import model_option, run, table
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.bitstream.errors import AezError


def cut_pictures(sources: list[Path], out: Path, count: int, side: int) -> None:
    """Write ``count`` PNG files of side × side pixels, cut from the pictures in turn at ever new places."""
    images: list[Image.Image] = [image for image in map(read_rgb, sources) if min(image.size) >= side]
    if not images:
        raise AezError(f"no picture has {side} pixels a side")
    for i in range(count):
        image = images[i % len(images)]
        left, top = (i * 37) % (image.width - side + 1), (i * 61) % (image.height - side + 1)
        image.crop((left, top, left + side, top + side)).save(out / f"{i:05d}.png")


def time_run(folder: Path, out: Path, options: list[str]) -> tuple[float, float]:
    """Seconds of a whole run, and pictures a second between its first result and its last.

    Raises:
        AezError: the command failed.
    """
    command = [sys.executable, "-m", "aez.cli", "compress", "-r", str(folder), "-o", str(out), "--json", *options]
    start = time.perf_counter()
    stamps: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for _ in process.stdout or ():
            stamps.append(time.perf_counter())
    if process.returncode or len(stamps) < 2:
        raise AezError(f"aez compress {' '.join(options)} failed")
    return time.perf_counter() - start, (len(stamps) - 1) / max(stamps[-1] - stamps[0], 1e-9)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@model_option
@click.option("--count", type=click.IntRange(min=2), default=1000, show_default=True, help="Pictures.")
@click.option("--side", type=click.IntRange(min=1), default=128, show_default=True, help="Their side in pixels.")
def command(folder: Path, model: str, count: int, side: int) -> None:
    """Time `aez compress` on small pictures cut from those in FOLDER."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    runs = [("--jobs 1", 1, ["--jobs", "1", "--threads", "1"]), ("--jobs 2", 2, ["--jobs", "2", "--threads", "2"])]
    if importlib.util.find_spec("ray") is None:
        click.echo("Ray is left out: it is not installed (pip install 'aez[ray]')")
    else:
        runs.append(("--ray local", cores, ["--ray", "local"]))
    rows = []
    with TemporaryDirectory() as temporary:
        pictures = Path(temporary) / "in"
        pictures.mkdir()
        cut_pictures(list_pictures(folder), pictures, count, side)
        for number, (name, processes, options) in enumerate(runs):
            seconds, rate = time_run(pictures, Path(temporary) / str(number), ["--model", model, *options])
            cells = (seconds, count / seconds, count / seconds / processes, rate, rate / processes)
            rows.append((name, str(processes), *(f"{cell:.1f}" for cell in cells)))
    click.echo(f"{count} pictures of {side}×{side} pixels")
    header = ("", "processes", "seconds", "pictures/s", "per core", "steady/s", "per core")
    click.echo(table(header, rows))


if __name__ == "__main__":
    run(command)
