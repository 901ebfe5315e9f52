"""Stages beside their floor: milliseconds of every stage, and those that its arithmetic alone would take.

The floor of a stage is the number of its multiply–accumulates, counted by :mod:`aez.benchmarks.checks.macs`, over what
a large matrix product reaches on as many threads: of float64 for the exact scale path, of float32 for the others. For
the picture filter, which has little arithmetic, it is one pass over the levels at the speed of a copy. Entropy coding
has no floor. Mosaics of the given pictures are coded in memory, at the default effort; medians after one warm-up.

    python -m aez.benchmarks.checks.floor PICTURE... [--threads 1 --threads 2] [--runtime auto] [--repeats 5]
"""

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from aez.benchmarks.checks.macs import count_codec, counting_codec
from aez.benchmarks.commands import model_option, run, table
from aez.benchmarks.pictures import read_rgb
from aez.benchmarks.stages import STAGES, timed_stages
from aez.codec.codec import Codec
from aez.codec.memory import keep_freed_memory
from aez.codec.runtime.choice import RUNTIMES
from aez.codec.threads import set_threads

SIZES = (0.4, 2.0, 12.0)
WAYS = ("encode", "decode")
TOTAL = "total"
Stage = tuple[str, str]
"""``encode`` or ``decode``, and the name of a stage."""
Milliseconds = Mapping[Stage, float]
_SIDE, _BYTES, _REPEATS = 2048, 2**28, 5
_EXACT, _FILTER = "exact scale path", "picture filter"
_BYTES_OF_LEVELS = 2 * 3 * 4
"""Per pixel: three float32 are read and written."""


@dataclass(frozen=True)
class Machine:
    """Speeds of this machine: multiply–accumulates per millisecond in float32 and float64, bytes per millisecond."""

    float32: float
    float64: float
    copied: float

    def floor(self, stage: str, macs: float, pixels: int) -> float | None:
        """Return the milliseconds that a stage takes at least; None if nothing is known of it."""
        if stage == _FILTER:
            return pixels * _BYTES_OF_LEVELS / self.copied
        return macs / (self.float64 if stage == _EXACT else self.float32) if macs else None


def measure_machine(threads: int) -> Machine:
    """Measure this machine's speeds on a number of threads."""
    set_threads(threads)

    def product_rate(kind: DTypeLike) -> float:
        a: NDArray[Any] = np.ones((_SIDE, _SIDE), kind)
        out = np.empty_like(a)
        return float(_SIDE**3 / _least_milliseconds(lambda: np.matmul(a, a, out)))

    source = np.ones(_BYTES, np.uint8)
    target = np.zeros_like(source)
    copied = 2 * _BYTES / _least_milliseconds(lambda: np.copyto(target, source))
    return Machine(product_rate(np.float32), product_rate(np.float64), copied)


def mosaic(images: Sequence[Image.Image], megapixels: float) -> NDArray[np.uint8]:
    """Tile a canvas of about so many pixels, 3:2 and of sides that 16 divides, with the pictures in turn."""
    width = 48 * max(1, round(math.sqrt(1.5e6 * megapixels) / 48))
    canvas = Image.new("RGB", (width, width * 2 // 3))
    number = top = 0
    while top < canvas.height:
        left = row = 0
        while left < canvas.width:
            image = images[number % len(images)]
            canvas.paste(image, (left, top))
            left, row, number = left + image.width, max(row, image.height), number + 1
        top += row
    return np.asarray(canvas)


def stage_times(codec: Codec, pixels: NDArray[np.uint8], repeats: int) -> dict[Stage, float]:
    """Return the median milliseconds of every stage, and of the whole as ``total``, of encoding and decoding."""
    samples: dict[Stage, list[float]] = defaultdict(list)
    for turn in range(1 + repeats):
        data = b""
        for way in WAYS:
            with timed_stages() as seconds:
                start = time.perf_counter()
                if way == "encode":
                    data = codec.encode(pixels)
                else:
                    codec.decode_array(data)
                seconds[TOTAL] = time.perf_counter() - start
            for stage, taken in seconds.items() if turn else ():
                samples[way, stage].append(1000 * taken)
    return {key: statistics.median(taken) for key, taken in samples.items()}


def rows_of(
    name: str,
    pixels: int,
    macs: Mapping[str, Mapping[str, int]],
    times: Mapping[int, Milliseconds],
    machines: Mapping[int, Machine],
) -> list[tuple[str, ...]]:
    """Return the table's rows of one picture.

    Args:
        name: of its size.
        pixels: their number.
        macs: by way and stage.
        times: by threads.
        machines: speeds by threads.
    """
    rows = []
    for way in WAYS:
        stages = [stage for stage in STAGES if any((way, stage) in found for found in times.values())]
        for stage in (*stages, TOTAL):
            cells: list[str] = []
            for threads, found in times.items():
                shown = stages if stage == TOTAL else [stage]
                floors = [machines[threads].floor(each, macs[way].get(each, 0), pixels) for each in shown]
                known = [floor for floor in floors if floor is not None]
                cells += _cells(found.get((way, stage)), sum(known) if known else None)
            rows.append((f"{name} {way}: {stage}", *cells))
    return rows


def _cells(taken: float | None, floor: float | None) -> tuple[str, str, str]:
    """Return milliseconds, their floor, and their ratio."""
    ratio = f"{taken / floor:.1f}" if taken and floor else ""
    return *("" if x is None else f"{x:.1f}" for x in (taken, floor)), ratio  # type: ignore[return-value]


def _least_milliseconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return min(taken)


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--threads", multiple=True, type=click.IntRange(min=1), default=(1, 2), show_default=True)
@click.option("--megapixels", multiple=True, type=click.FloatRange(0.01, 50), default=SIZES, show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Timed rounds.")
@click.option("--runtime", type=click.Choice(RUNTIMES), default="auto", show_default=True)
@model_option
def command(
    pictures: tuple[Path, ...],
    threads: tuple[int, ...],
    megapixels: tuple[float, ...],
    repeats: int,
    runtime: str,
    model: str,
) -> None:
    """Time every stage on mosaics of PICTURES beside its floor."""
    keep_freed_memory()
    images = [read_rgb(path) for path in pictures]
    machines = {count: measure_machine(count) for count in threads}
    for count, machine in machines.items():
        click.echo(
            f"{count} threads: {machine.float32 / 1e6:.1f} GMAC/s float32, {machine.float64 / 1e6:.1f} float64, "
            f"{machine.copied / 1e6:.1f} GB/s"
        )
    counter, rows = counting_codec(model), []
    for size in megapixels:
        pixels = mosaic(images, size)
        macs = dict(zip(WAYS, count_codec(counter, pixels), strict=True))
        times = {}
        for count in threads:
            set_threads(count)
            times[count] = stage_times(Codec(model, "cpu", runtime=runtime), pixels, repeats)
        rows += rows_of(f"{size:g} MP", pixels.shape[0] * pixels.shape[1], macs, times, machines)
    header = ("ms", *(cell for count in threads for cell in (f"{count} threads", "floor", "times")))
    click.echo(table(header, rows))


if __name__ == "__main__":
    run(command)
