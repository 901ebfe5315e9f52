"""Whole commands: seconds and peak memory of processes that read a picture, code it and write a file.

``aez`` runs in every runtime that is installed. Codecs whose commands are on the PATH run as those commands. For the
others a Python process imports Pillow and does the same work; its rows say so. All files have 32 to 33 dB on Kodak.

Commands take turns, so that a drift of the machine's speed affects all alike; medians after one round of warm-up.
Processes are pinned to as many CPUs as ``--threads``, where the system allows it. Memory is the largest resident size
of the command's process.

    python -m aez.benchmarks.checks.commands PICTURE [--repeats 5] [--threads 2]
"""

import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from aez.benchmarks.checks.processes import run_alone
from aez.benchmarks.commands import run, table
from aez.benchmarks.pictures import read_rgb
from aez.bitstream.errors import AezError
from aez.codec.extras import is_installed

PNG_LEVEL = 3
"""Level of zlib at which the Python processes write PNG files, that of `aez`."""
_ENCODE = "from PIL import Image; Image.open({source!r}).save({target!r}, quality={quality}, {options})"
_DECODE = "from PIL import Image; Image.open({source!r}).convert('RGB').save({target!r}, compress_level={level})"


@dataclass(frozen=True)
class Program:
    """A command that is timed.

    Attributes:
        name: in the report.
        words: the program and its arguments.
        target: the file that it writes; it may exist.
    """

    name: str
    words: tuple[str, ...]
    target: Path


@dataclass(frozen=True)
class Cost:
    """Seconds of a process, its peak memory in units of 10⁶ bytes, and the size of the file that it wrote."""

    seconds: float
    megabytes: float
    size: int


@dataclass(frozen=True)
class Rival:
    """Another codec: its two commands, and what replaces them where they are not installed.

    Attributes:
        suffix: of its files.
        encode: words of the command; ``{source}``, ``{target}`` and ``{threads}`` are filled in.
        decode: likewise.
        quality: for Pillow, that of ``encode``.
        options: other arguments of Pillow's ``save``, those of ``encode``.
        plugin: module that adds the format to Pillow; empty for Pillow's own.
    """

    suffix: str
    encode: str
    decode: str
    quality: int
    options: str
    plugin: str = ""


RIVALS = (
    Rival(
        ".avif",
        "avifenc -s 6 -q 60 -y 444 -j {threads} {source} {target}",
        "avifdec -j {threads} {source} {target}",
        60,
        "speed=6, subsampling='4:4:4'",
    ),
    Rival(".jxl", "cjxl -e 7 -q 75 {source} {target}", "djxl {source} {target}", 75, "effort=7", "pillow_jxl"),
    Rival(".webp", "cwebp -quiet -m 6 -q 60 {source} -o {target}", "dwebp -quiet {source} -o {target}", 60, "method=6"),
)


def measured(program: Program, threads: int) -> Cost:
    """Run a command once.

    Raises:
        AezError: it failed or wrote no file.
    """
    done = run_alone(program.name, program.words, threads)
    if not program.target.is_file():
        raise AezError(f"{program.name} wrote no file")
    return Cost(done.seconds, done.megabytes, program.target.stat().st_size)


def own_programs(picture: Path, folder: Path) -> list[Program]:
    """Return aez's commands in every runtime that is installed; the first file of each decodes."""
    programs = []
    for runtime in ("light", *(("torch",) if is_installed("torch") else ())):
        shared = (sys.executable, "-m", "aez.cli")
        options = ("--runtime", runtime, "--device", "cpu", "--overwrite", "--quiet")
        coded, quick, back = (folder / f"{runtime}{suffix}" for suffix in (".aez", "-0.aez", ".png"))
        programs += [
            Program(f"aez compress, {runtime}", (*shared, "compress", *options, str(picture), "-o", str(coded)), coded),
            Program(
                f"aez compress --effort 0, {runtime}",
                (*shared, "compress", "--effort", "0", *options, str(picture), "-o", str(quick)),
                quick,
            ),
            Program(f"aez decompress, {runtime}", (*shared, "decompress", *options, str(coded), "-o", str(back)), back),
        ]
    return programs


def rival_programs(picture: Path, folder: Path, threads: int) -> list[Program]:
    """Return the commands of other codecs, each pair in its order; codecs that are not installed are left out."""
    programs = []
    for rival in RIVALS:
        coded, back = folder / f"rival{rival.suffix}", folder / f"rival{rival.suffix}.png"
        for words, source, target in ((rival.encode, picture, coded), (rival.decode, coded, back)):
            filled = [word.format(source=source, target=target, threads=threads) for word in words.split()]
            name = " ".join(word for word in words.split() if "{" not in word and word not in ("-o", "-j", "-quiet"))
            if shutil.which(filled[0]):
                programs.append(Program(name, tuple(filled), target))
            elif not rival.plugin or is_installed(rival.plugin):
                code = _in_python(rival, source, target)
                programs.append(Program(f"Python and Pillow for {name}", (sys.executable, "-c", code), target))
    return programs


def _in_python(rival: Rival, source: Path, target: Path) -> str:
    """Return a program that does the work of one of a codec's commands."""
    form = _ENCODE if target.suffix == rival.suffix else _DECODE
    work = form.format(
        source=str(source), target=str(target), quality=rival.quality, options=rival.options, level=PNG_LEVEL
    )
    return f"import {rival.plugin}; {work}" if rival.plugin else work


def measure_all(programs: Sequence[Program], threads: int, repeats: int) -> dict[Program, Cost]:
    """Return the medians of rounds in which every command runs once, after a round of warm-up."""
    rounds = [{program: measured(program, threads) for program in programs} for _ in range(1 + repeats)][1:]
    return {program: _median([costs[program] for costs in rounds]) for program in programs}


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.megabytes for cost in costs),
        costs[-1].size,
    )


def report(costs: Mapping[Program, Cost]) -> str:
    """Return a table, with times relative to the first `aez decompress`."""
    unit = next(cost.seconds for program, cost in costs.items() if program.name.startswith("aez decompress"))
    rows = [
        (
            program.name,
            f"{cost.seconds:.2f}",
            f"{cost.seconds / unit:.2f}",
            f"{cost.megabytes:.0f}",
            str(cost.size) if program.target.suffix != ".png" else "",
        )
        for program, cost in costs.items()
    ]
    return table(("", "seconds", "relative", "peak MB", "bytes"), rows)


@click.command()
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Timed rounds.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True, help="CPUs of every process.")
def command(picture: Path, repeats: int, threads: int) -> None:
    """Time the commands of aez and of other codecs on PICTURE."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        image, source = read_rgb(picture), folder / "picture.png"
        image.save(source)
        programs = [*own_programs(source, folder), *rival_programs(source, folder, threads)]
        costs = measure_all(programs, threads, repeats)
    click.echo(f"{picture.name} {image.width}×{image.height}, {threads} threads, {repeats} rounds")
    click.echo(report(costs))


if __name__ == "__main__":
    run(command)
