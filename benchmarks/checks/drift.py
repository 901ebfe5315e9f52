"""Determinism: agreement of decodes between configurations of one machine.

Configurations are runtime, threads, precision, instruction sets, memory layout and, if there is one, a GPU, each in
processes of its own. Every picture becomes a file of one tile and one of several tiles; grey pictures stay grey, and
alpha is lossless in the one and lossy in the other. The symbols of a file must be the same everywhere. Samples of any
two decodes must agree within ±1 on 99.9 %, with a PSNR between them of at least 55 dB. Exit code 1 if either does not
hold.

    python -m aez.benchmarks.checks.drift FOLDER [--first N] [--model NAME|PATH] [-q 5 -q 50 -q 100]
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
from numpy.typing import NDArray

from aez.benchmarks.checks.drift_setups import Setup, decoders, encoders
from aez.benchmarks.commands import picture_options, quality_option, run, table
from aez.benchmarks.metrics import PSNR_OF_EQUALS
from aez.benchmarks.pictures import list_pictures
from aez.bitstream.errors import AezError
from aez.codec.model.registry import find_model
from aez.codec.picture.psnr import psnr_of

LEAST_SHARE, LEAST_PSNR = 0.999, 55.0
_BATCH = 4  # pictures whose decodes are on disk at once


@dataclass(frozen=True)
class Difference:
    """The difference of two decodes, or the worst of many: largest |Δ|, share of samples with |Δ| ≤ 1, PSNR in dB."""

    largest: int
    share: float
    psnr: float

    @property
    def tolerable(self) -> bool:
        """True if the difference is within the contract."""
        return self.share >= LEAST_SHARE and self.psnr >= LEAST_PSNR

    def cells(self) -> tuple[str, str, str, str]:
        """Return the cells of a table row."""
        return str(self.largest), f"{100 * self.share:.4f} %", f"{self.psnr:.2f}", "yes" if self.tolerable else "NO"


@dataclass(frozen=True)
class Decodes:
    """One file in every configuration: digests of its symbols, and pixel differences of every pair of decodes."""

    picture: str
    quality: str
    digests: frozenset[str]
    differences: Mapping[tuple[Setup, Setup], Difference]


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> Difference:
    """Compare two decodes of one file."""
    delta = np.abs(a.astype(np.int16) - b)
    return Difference(int(delta.max()), float(np.mean(delta <= 1)), min(psnr_of(a, b), PSNR_OF_EQUALS))


def worst(differences: Sequence[Difference]) -> Difference:
    """Return the worst of each figure."""
    return Difference(
        max(d.largest for d in differences), min(d.share for d in differences), min(d.psnr for d in differences)
    )


def encode_everywhere(pictures: Sequence[Path], qualities: Sequence[float], model: str, folder: Path) -> list[Path]:
    """Encode in every configuration, and keep files of equal bytes once."""
    files: dict[bytes, Path] = {}
    for number, setup in enumerate(encoders()):
        out = folder / f"encoder{number}"
        setup.run(model, pictures, out, qualities)
        for path in sorted(out.iterdir()):
            kept = path.rename(folder / f"{path.stem}-{number}.aez")
            files.setdefault(kept.read_bytes(), kept)
    return list(files.values())


def decode_everywhere(files: Sequence[Path], model: str, folder: Path) -> Iterator[Decodes]:
    """Decode in every configuration and compare, file by file."""
    setups = decoders()
    digests = {setup: setup.run(model, files, folder / setup.name) for setup in setups}
    for file in files:
        samples = {setup: np.load(folder / setup.name / f"{file.name}.npy") for setup in setups}
        picture, _, rest = file.name.rpartition("-q")
        yield Decodes(
            picture,
            rest.partition("-")[0],
            frozenset(digests[setup][file.name] for setup in setups),
            {(a, b): difference(samples[a], samples[b]) for a, b in combinations(setups, 2)},
        )


def report(decodes: Sequence[Decodes]) -> str:
    """Return tables of the worst difference by quality and picture, and of each configuration against the first."""
    by_quality: dict[str, list[Difference]] = defaultdict(list)
    by_picture: dict[str, list[Difference]] = defaultdict(list)
    by_setup: dict[str, list[Difference]] = defaultdict(list)
    reference = decoders()[0]
    for file in decodes:
        by_quality[file.quality].extend(file.differences.values())
        by_picture[file.picture].extend(file.differences.values())
        for (a, b), found in file.differences.items():
            if a == reference:
                by_setup[b.name].append(found)
    columns = ("largest |Δ|", "|Δ| ≤ 1", "PSNR dB", "within")
    qualities = [(f"quality {q}", *worst(by_quality[q]).cells()) for q in sorted(by_quality, key=float)]
    pictures = [(name, *worst(found).cells()) for name, found in by_picture.items()]
    setups = [(name, *worst(found).cells()) for name, found in by_setup.items()]
    return "\n\n".join(
        [
            table(("any two decodes of a file", *columns), [*qualities, *pictures]),
            table((f"against {reference.name}", *columns), setups),
        ]
    )


@click.command()
@picture_options(first=2)
@quality_option(5, 50, 100)
def command(folder: Path, first: int | None, model: str, qualities: tuple[float, ...]) -> None:
    """Compare decodes of the pictures in FOLDER between configurations of this machine."""
    pictures = list_pictures(folder, first)
    find_model(model)  # reports a wrong name before the first process starts
    decodes: list[Decodes] = []
    for start in range(0, len(pictures), _BATCH):
        with TemporaryDirectory() as temporary:
            files = encode_everywhere(pictures[start : start + _BATCH], qualities, model, Path(temporary))
            decodes += decode_everywhere(files, model, Path(temporary))
    split = sum(len(file.digests) > 1 for file in decodes)
    beyond = sum(not d.tolerable for file in decodes for d in file.differences.values())
    click.echo(
        f"{len(pictures)} pictures, {len(encoders())} encoders, {len(decodes)} different files, "
        f"{len(decoders())} decoders"
    )
    click.echo(f"files whose symbols are the same in every decoder: {len(decodes) - split} of {len(decodes)}")
    click.echo(report(decodes))
    if split or beyond:
        raise AezError(f"{split} files have different symbols, {beyond} pairs of decodes differ beyond the tolerance")


if __name__ == "__main__":
    run(command)
