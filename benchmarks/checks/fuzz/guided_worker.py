"""The process of guided fuzzing: read files that atheris makes, and print the tally at the end."""

import os
import sys
import time
import traceback
import zlib
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["aez.bitstream", "aez.codec"]):
    from aez.benchmarks.checks.fuzz.mutations import mutated
    from aez.benchmarks.checks.fuzz.outcomes import Finding, read_file
    from aez.benchmarks.checks.fuzz.seeds import MEMBERS, seed_files
    from aez.benchmarks.checks.fuzz.tally import Tally
    from aez.codec import api
    from aez.codec.model.registry import DEFAULT_MODEL

_LONGEST = 8192
"""Bytes of the longest file; small ones reach the same lines in less time."""
_STRUCTURED = 0.8
"""Share of the damage that knows chunks and repairs checksums; the rest is atheris's own."""


def fuzz(minutes: float, seed: int, out: Path) -> None:
    """Read files until the time is over, then end the process: with code 1 if there were findings."""
    codecs = [api.load(name, "cpu", runtime="light") for name in (DEFAULT_MODEL, *MEMBERS)]
    by_fingerprint = {codec.fingerprint: codec for codec in codecs}
    seeds = [data for data in seed_files(codecs).values() if len(data) <= _LONGEST]
    tally = Tally(out, seed)

    def mutate(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        if random.random() < _STRUCTURED:
            made = mutated([data], random) if random.random() < 0.8 else mutated(seeds, random)
            return made if len(made) <= most else data
        return bytes(atheris.Mutate(data, most))

    def read(data: bytes) -> None:
        try:
            tally.add(read_file(data, by_fingerprint, Random(zlib.crc32(data))))
        except Finding:
            tally.found(data, traceback.format_exc())

    with TemporaryDirectory() as folder:
        for number, data in enumerate(seeds):
            (Path(folder) / str(number)).write_bytes(data)
        end = time.monotonic() + 60 * minutes

        def read_until_the_end(data: bytes) -> None:
            read(data)
            if time.monotonic() > end:  # the fuzzer does not return
                print(f"{tally.text()}\n{len(list(Path(folder).iterdir()))} files reach lines of their own", flush=True)
                os._exit(min(1, tally.findings))

        options = [f"-max_len={_LONGEST}", f"-seed={seed + 1}", "-verbosity=0", "-rss_limit_mb=0", "-timeout=300"]
        atheris.Setup([sys.argv[0], *options, folder], read_until_the_end, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    fuzz(float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
