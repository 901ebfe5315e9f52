"""Read damaged files for some minutes; fail if one leads to anything but a picture or an AezError within the limits.

Files of every feature are damaged chunk by chunk, with checksums repaired, and read in every way: whole, in part, as a
preview, as symbols, through Pillow; some by URL from a server that lies, if aiohttp is installed; weights files, too.
Every file is also read by a second reader, written from the specification alone. The findings are written to ``--out``.

With ``--guided``, atheris (``pip install atheris``) chooses the damage by the lines of the package that it reaches.

    python -m aez.benchmarks.checks.fuzz --minutes 10 [--seed 0] [--runtime light] [--default-limits] [--guided]
        [--out findings]
"""

import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from random import Random

import click

from aez.benchmarks.checks.fuzz.mutations import mutated, mutated_weights
from aez.benchmarks.checks.fuzz.outcomes import LIMITS, Finding, Outcome, read_file, read_weights_file
from aez.benchmarks.checks.fuzz.seeds import MEMBERS, seed_files
from aez.benchmarks.checks.fuzz.tally import Tally
from aez.benchmarks.checks.fuzz.urls import read_urls, some_files
from aez.benchmarks.commands import run
from aez.bitstream import AezError, Limits
from aez.codec import api
from aez.codec.base import PictureCodec
from aez.codec.extras import is_installed
from aez.codec.model.registry import DEFAULT_MODEL, packaged_models

_WEIGHTS = (DEFAULT_MODEL, "collapsed")
_WEIGHTS_SHARE = 0.05
_URLS_SHARE = 0.001


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random choices.")
@click.option("--runtime", type=click.Choice(["light", "torch", "both"]), help="[default: those that are installed]")
@click.option("--default-limits", is_flag=True, help="Decode within the default limits, which take more time.")
@click.option("--guided", is_flag=True, help="Let atheris choose the damage; containers and symbols only.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("findings"), show_default=True)
def command(minutes: float, seed: int, runtime: str | None, default_limits: bool, guided: bool, out: Path) -> None:
    """Read damaged files for some minutes."""
    if guided:
        from aez.benchmarks.checks.fuzz.guided import run_guided

        run_guided(minutes, seed, out)
        return
    runtime = runtime or ("both" if is_installed("torch") else "light")
    runtimes = [_codecs(name) for name in (("light", "torch") if runtime == "both" else (runtime,))]
    seeds = list(seed_files(runtimes[0]).values())
    weights = [entry.path.read_bytes() for entry in packaged_models() if entry.name in _WEIGHTS]
    limits = Limits() if default_limits else LIMITS
    by_url = _URLS_SHARE if is_installed("fsspec") and is_installed("aiohttp") else 0
    random, tally = Random(seed), Tally(out, seed)
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        data = b""
        try:
            choice = random.random()
            if choice < by_url:
                tally.add(*read_urls(some_files(seeds, random)))
            elif choice < by_url + _WEIGHTS_SHARE:
                data = mutated_weights(random.choice(weights), random)
                tally.add(read_weights_file(data))
            else:
                data = mutated(seeds, random)
                tally.add(_read(data, random.choice(runtimes), random, limits))
        except Finding:
            tally.found(data, traceback.format_exc())
    click.echo(tally.text())
    if tally.findings:
        raise AezError(f"{tally.findings} findings, see {out}")


def _codecs(runtime: str) -> list[PictureCodec]:
    return [api.load(name, "cpu", runtime=runtime) for name in (DEFAULT_MODEL, *MEMBERS)]


def _read(data: bytes, codecs: Sequence[PictureCodec], random: Random, limits: Limits) -> Outcome:
    return read_file(data, {codec.fingerprint: codec for codec in codecs}, random, limits)


if __name__ == "__main__":
    run(command)
