"""Speed: milliseconds to encode and decode a picture in memory, aez by stage, with other codecs in the same run.

JPEG (optimised, progressive), WebP (method 6) and AVIF (speed 6) are set to the lowest quality that reaches our PSNR;
mbt2018-mean of CompressAI, if that is installed, runs at quality 4 with random weights, entropy coding included. The
codecs take turns, so that a drift of the machine's speed affects all alike. Medians after two rounds of warm-up; with
several pictures, means over the pictures of their medians. With ``--keep-memory`` the process keeps freed memory, for
all codecs alike, as the command `aez` does; without it every codec runs as in any other Python program.

    python -m aez.benchmarks.speed FOLDER [--all] [-q 50] [--threads 2] [--repeats 20] [--keep-memory]
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from PIL import Image

from aez.benchmarks.codecs.base import Adapter, UnavailableError
from aez.benchmarks.codecs.own import Aez
from aez.benchmarks.codecs.specs import CodecSpec, build, parse_codec
from aez.benchmarks.commands import model_option, run, table
from aez.benchmarks.metrics import psnr
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.benchmarks.stages import STAGES, timed_stages
from aez.codec.memory import keep_freed_memory
from aez.codec.model.quality import QUALITY_MAX, QUALITY_MIN
from aez.codec.options import EncodeOptions
from aez.codec.runtime.choice import RUNTIMES
from aez.codec.threads import set_threads

WARM_UP = 2
CLASSIC = (("jpeg", "jpeg"), ("webp", "webp"), ("avif-s6", "avif"))
RATIOS = (("decode", "aez", "mbt2018-mean"), ("encode", "aez", "mbt2018-mean"), ("encode", "aez", "avif"))
Timings = Mapping[tuple[str, str], float]
"""Milliseconds by what was timed and ``encode`` or ``decode``."""


Contestant = tuple[Adapter, float]
"""A codec and the quality that it is timed at."""


def time_picture(image: Image.Image, contestants: Sequence[Contestant], repeats: int) -> Timings:
    """Compute medians over rounds in which every codec encodes and decodes once; stages as ``aez: STAGE``."""
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    for turn in range(WARM_UP + repeats):
        for adapter, quality in contestants:
            coded = b""
            for direction in ("encode", "decode"):
                with timed_stages() as stages:
                    start = time.perf_counter()
                    if direction == "encode":
                        coded = adapter.encode(image, quality)
                    else:
                        adapter.decode(coded)
                    stages[""] = time.perf_counter() - start
                if turn >= WARM_UP:
                    for stage, seconds in stages.items():
                        name = f"{adapter.name}: {stage}" if stage else adapter.name
                        samples[name, direction].append(1000 * seconds)
    return {key: statistics.median(values) for key, values in samples.items()}


def lowest_quality(adapter: Adapter, image: Image.Image, target: float) -> float:
    """Search for the lowest quality, 1 … 100, at which a codec reaches a PSNR in dB; return 100 if none does."""
    original, low, high = np.array(image), 1, 100
    while low < high:
        middle = (low + high) // 2
        if psnr(original, np.array(adapter.decode(adapter.encode(image, middle)))) >= target:
            high = middle
        else:
            low = middle + 1
    return low


def contestants_for(
    image: Image.Image, ours: Contestant, classic: Sequence[Adapter], learned: Adapter | None
) -> list[Contestant]:
    """Return all codecs, the classic ones at the lowest quality that reaches aez's PSNR; print PSNR and sizes."""
    coded = ours[0].encode(image, ours[1])
    target = psnr(np.array(image), np.array(ours[0].decode(coded)))
    matched = [(adapter, lowest_quality(adapter, image, target)) for adapter in classic]
    pixels = image.width * image.height
    sizes = [f"aez {target:.2f} dB, {8 * len(coded) / pixels:.3f} bpp"] + [
        f"{one.name} q {quality:g} {8 * len(one.encode(image, quality)) / pixels:.3f} bpp" for one, quality in matched
    ]
    click.echo("; ".join(sizes))
    return [ours, *matched, *([(learned, learned.qualities[0])] if learned else [])]


def mean_timings(timings: Sequence[Timings]) -> dict[tuple[str, str], float]:
    """Average timings over pictures."""
    return {key: statistics.fmean(each[key] for each in timings) for key in timings[0]}


def report(timings: Timings) -> str:
    """Return a table in milliseconds, with aez's stages below its total, and ratios of codecs."""
    names = ["aez", *(f"aez: {stage}" for stage in STAGES)]
    names += dict.fromkeys(name for name, _ in timings if name not in names)
    cells = [
        [f"{timings[name, way]:.1f}" if (name, way) in timings else "" for way in ("encode", "decode")]
        for name in names
    ]
    lines = [table(("ms", "encode", "decode"), [(name, *row) for name, row in zip(names, cells, strict=True)])]
    for way, ours, theirs in RATIOS:
        if (theirs, way) in timings:
            ratio = timings[theirs, way] / timings[ours, way]
            lines.append(f"{way}: {theirs} takes {ratio:.2f} times as long as {ours}")
    return "\n".join(lines)


def learned_reference() -> Adapter | None:
    """Build CompressAI's model; print a line and return None if it is not installed."""
    options = {"arch": "mbt2018-mean", "weights": "random"}
    try:
        return build(CodecSpec("mbt2018-mean", "compressai", options), "cpu")
    except UnavailableError as error:
        click.echo(f"mbt2018-mean is left out: {error}")
        return None


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Time all pictures instead of the first by name.")
@model_option
@click.option(
    "-q", "--quality", type=click.FloatRange(QUALITY_MIN, QUALITY_MAX), default=EncodeOptions.quality, show_default=True
)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True, help="CPU threads.")
@click.option("--repeats", type=click.IntRange(min=1), default=20, show_default=True, help="Timed rounds.")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True)
@click.option("--runtime", type=click.Choice(RUNTIMES), default="auto", show_default=True)
@click.option("--keep-memory", is_flag=True, help="Keep freed memory in the process, as the command does.")
def command(
    folder: Path,
    every: bool,
    model: str,
    quality: float,
    threads: int,
    repeats: int,
    precision: str,
    runtime: str,
    keep_memory: bool,
) -> None:
    """Time aez and other codecs on the pictures in FOLDER."""
    pictures = list_pictures(folder, None if every else 1)
    set_threads(threads)
    if keep_memory:
        keep_freed_memory()
    ours = Aez("aez", {"model": model, "precision": precision, "runtime": runtime}, "cpu")
    classic = [build(replace(parse_codec(text), name=name), "cpu") for text, name in CLASSIC]
    learned = learned_reference()
    timings = []
    for path in pictures:
        image = read_rgb(path)
        click.echo(f"{path.name} {image.width}×{image.height}: ", nl=False)
        timings.append(time_picture(image, contestants_for(image, (ours, quality), classic, learned), repeats))
    click.echo(f"{len(pictures)} pictures, {threads} threads, {repeats} rounds, {ours.version}")
    click.echo(report(mean_timings(timings)))


if __name__ == "__main__":
    run(command)
