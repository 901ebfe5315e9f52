"""Peak memory and time by picture size: encoding, decoding, one region, a preview, each in its own process.

Pictures of the sizes asked for are put together from those in FOLDER and kept as JPEG files. Every row is one process
that does what `aez` does, reads and writes files included: its largest resident size, and the seconds of the work
without those of imports.

    python -m aez.benchmarks.checks.memory FOLDER [--megapixels 1 --megapixels 10 --megapixels 40 --megapixels 100]
        [--runtime auto] [--threads 2]
"""

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from PIL import Image

from aez.benchmarks.checks.processes import run_alone
from aez.benchmarks.commands import model_option, run, table
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.bitstream.errors import AezError
from aez.bitstream.limits import TRUSTED
from aez.bitstream.partial import FileBytes
from aez.codec.runtime.choice import RUNTIMES

LIMIT_GB = 2.0
REGION_SIDE = 512
_WORKER = "from aez.benchmarks.checks.memory import work; import sys; work(*sys.argv[1:])"


def make_picture(sources: list[Path], megapixels: float, out: Path) -> None:
    """Write a square mosaic of photographs, each enlarged to 1600 columns."""
    side = math.isqrt(round(megapixels * 1e6))
    mosaic = Image.new("RGB", (side, side))
    number = top = 0
    while top < side:
        height = 0
        for left in range(0, side, 1600):
            image = read_rgb(sources[number % len(sources)])
            image = image.resize((1600, max(1, 1600 * image.height // image.width)))
            mosaic.paste(image, (left, top))
            height, number = max(height, image.height), number + 1
        top += height
    mosaic.save(out, quality=95)


def work(what: str, source: str, target: str, model: str, runtime: str) -> None:
    """Do the work of one row in this process; print seconds and bytes written as JSON."""
    from aez.codec.codec import Codec
    from aez.codec.memory import keep_freed_memory
    from aez.codec.picture.outputs import format_of, write_picture
    from aez.codec.picture.reading import read_picture

    keep_freed_memory()
    codec = Codec(model, "cpu", runtime=runtime)

    def encode() -> bytes:
        Image.MAX_IMAGE_PIXELS = None  # as `aez` does, which has a limit of its own
        return codec.encode(read_picture(Path(source)))

    def decode() -> bytes | memoryview:
        with FileBytes(Path(source)) as file:
            data = file[:] if what == "decode" else file
            if what == "preview":
                codec.preview(data, limits=TRUSTED).save(target)
                return b""
            region = (1000, 1000, REGION_SIDE, REGION_SIDE) if what == "region" else None
            picture = codec.decode_picture(data, region=region, limits=TRUSTED)
        return write_picture(picture, format_of(Path(target)))[0]

    job: Callable[[], bytes | memoryview] = encode if what == "encode" else decode
    start = time.perf_counter()
    out = job()
    if out:
        Path(target).write_bytes(out)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "bytes": Path(target).stat().st_size}))


def measure_row(what: str, source: Path, target: Path, model: str, runtime: str, threads: int) -> dict[str, float]:
    """Measure one row in a process of its own.

    Raises:
        AezError: it failed.
    """
    words = [sys.executable, "-c", _WORKER, what, str(source), str(target), model, runtime]
    done = run_alone(f"{what} of {source.name}", words, threads)
    row: dict[str, float] = json.loads(done.output.splitlines()[-1])
    return row | {"gigabytes": done.megabytes / 1000}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--megapixels", multiple=True, type=click.FloatRange(0.5, 250), default=(1, 10, 40, 100), show_default=True
)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True, help="CPU threads.")
@click.option("--runtime", type=click.Choice(RUNTIMES), default="auto", show_default=True)
@model_option
def command(folder: Path, megapixels: tuple[float, ...], threads: int, runtime: str, model: str) -> None:
    """Measure memory and time of pictures made from those in FOLDER."""
    sources = list_pictures(folder)
    rows: list[tuple[str, float, dict[str, float]]] = []
    with TemporaryDirectory() as temporary:
        for size in megapixels:
            picture, file = (Path(temporary) / f"{size:g}{suffix}" for suffix in (".jpg", ".aez"))
            make_picture(sources, size, picture)
            for what in ("encode", "decode", "region", "preview"):
                if what == "region" and size < 3:
                    continue
                source, target = (picture, file) if what == "encode" else (file, file.with_suffix(".png"))
                row = measure_row(what, source, target, model, runtime, threads)
                rows.append((f"{size:g} MP {what}", size, row))
                click.echo(f"{rows[-1][0]}: {row['seconds']:.2f} s, {row['gigabytes']:.2f} GB", err=True)
    cells = [(name, f"{r['seconds']:.2f}", f"{r['gigabytes']:.2f}", f"{r['bytes']:.0f}") for name, _, r in rows]
    click.echo(table(("", "seconds", "peak GB", "bytes written"), cells))
    too_much = [name for name, size, row in rows if row["gigabytes"] > LIMIT_GB and size <= 100]
    if too_much:
        raise AezError(f"more than {LIMIT_GB:g} GB: {', '.join(too_much)}")


if __name__ == "__main__":
    run(command)
