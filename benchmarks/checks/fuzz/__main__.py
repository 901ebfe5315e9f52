"""Read damaged files for some minutes; fail if one leads to anything but a picture or an AezError within the limits.

Files of every feature are damaged chunk by chunk, with checksums repaired, and read in every way: whole, in part, as a
preview, as symbols, through Pillow; weights files, too. Every container is also read by a second reader, written from
the specification alone. The findings are written to ``--out``.

    python -m aez.benchmarks.checks.fuzz --minutes 10 [--seed 0] [--runtime light] [--out findings]
"""

import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

import click

from aez.benchmarks.checks.fuzz.mutations import mutated, mutated_weights
from aez.benchmarks.checks.fuzz.outcomes import Finding, Outcome, read_file, read_weights_file
from aez.benchmarks.checks.fuzz.seeds import seed_files
from aez.benchmarks.commands import run, table
from aez.bitstream.errors import AezError
from aez.codec import api
from aez.codec.model.registry import DEFAULT_MODEL, packaged_models

_MEMBERS = ("sparse", "vae")
_WEIGHTS = (DEFAULT_MODEL, "collapsed")
_WEIGHTS_SHARE = 0.05


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random choices.")
@click.option("--runtime", type=click.Choice(["light", "torch"]), default="light", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("findings"), show_default=True)
def command(minutes: float, seed: int, runtime: str, out: Path) -> None:
    """Read damaged files for some minutes."""
    random = Random(seed)
    codecs = {name: api.load(name, "cpu", runtime=runtime) for name in (DEFAULT_MODEL, *_MEMBERS)}
    seeds = list(seed_files(codecs[DEFAULT_MODEL], {name: codecs[name] for name in _MEMBERS}).values())
    by_fingerprint = {codec.fingerprint: codec for codec in codecs.values()}
    weights = [entry.path.read_bytes() for entry in packaged_models() if entry.name in _WEIGHTS]
    kinds: Counter[str] = Counter()
    slowest = largest = Outcome("none", 0, 0)
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        data = b""
        try:
            if random.random() < _WEIGHTS_SHARE:
                data = mutated_weights(random.choice(weights), random)
                outcome = read_weights_file(data)
            else:
                data = mutated(seeds, random)
                outcome = read_file(data, by_fingerprint, random)
        except Finding:
            out.mkdir(parents=True, exist_ok=True)
            kinds["finding"] += 1
            number = kinds["finding"]
            (out / f"{seed}-{number}.bin").write_bytes(data)
            (out / f"{seed}-{number}.txt").write_text(traceback.format_exc(), encoding="utf-8")
            continue
        kinds[outcome.kind] += 1
        slowest = max(slowest, outcome, key=lambda one: one.seconds)
        largest = max(largest, outcome, key=lambda one: one.megabytes)
    click.echo(table(("outcome", "files"), [(kind, str(number)) for kind, number in kinds.most_common()]))
    click.echo(f"longest {slowest.seconds:.1f} s, most memory {largest.megabytes:.0f} MB")
    if kinds["finding"]:
        raise AezError(f"{kinds['finding']} findings, see {out}")


if __name__ == "__main__":
    run(command)
