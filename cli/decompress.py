"""`aez decompress`."""

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aez.bitstream import read_header
from aez.bitstream.errors import AezError, ImageError
from aez.bitstream.limits import Limits
from aez.cli.batch import run_batch, write_output
from aez.cli.options import runtime_options, set_up_process
from aez.cli.paths import check_output, plan_outputs, read_input
from aez.codec.registry import find_fingerprint

if TYPE_CHECKING:
    from PIL import Image

# Without a word from the user: as good as the format goes at a usual size.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0, "optimize": True},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    "PNG": {"compress_level": 4},
}


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", type=click.Path(path_type=Path))
@click.option("--model", metavar="NAME|PATH", help="Weights that made the files, if aez does not have them.")
@runtime_options
def command(
    inputs: tuple[Path, ...],
    model: str | None,
    out: str | None,
    device: str,
    threads: int | None,
    max_pixels: int,
    quiet: bool,
    overwrite: bool,
) -> None:
    """Turn .aez files back into pictures: PNG beside the inputs, or any format that Pillow writes by -o's suffix."""
    pairs = plan_outputs(inputs, out, ".png")
    limits = Limits(max_pixels=max_pixels)

    def job(source: Path, target: Path) -> str:
        check_output(source, target, overwrite)
        kind = format_of(target)
        start = time.perf_counter()
        data = read_input(source)
        try:
            # A foreign file, or one of an unknown model, is refused before the seconds that importing torch takes.
            header = read_header(data, limits)
            name = model or find_fingerprint(header.fingerprint).name
            from aez.codec import api

            set_up_process(threads)
            image = api.load(name, device).decode(data, limits=limits)
        except AezError as error:
            raise type(error)(f"{source}: {error}") from None
        write_output(target, picture_bytes(image, kind, target))
        size = target.stat().st_size
        return f"{source} → {target}: {image.width}×{image.height}, {len(data)} → {size} bytes, " + (
            f"{time.perf_counter() - start:.2f} s"
        )

    run_batch(pairs, job, quiet=quiet)


def format_of(target: Path) -> str:
    """Pillow's name of the format that a file's suffix stands for.

    Raises:
        ImageError: Pillow writes none of that suffix.
    """
    from PIL import Image

    known = Image.registered_extensions()
    kind = known.get(target.suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise ImageError(f"{target}: Pillow cannot write pictures with the suffix {target.suffix!r}")
    return kind


def picture_bytes(image: "Image.Image", kind: str, target: Path) -> bytes:
    """A picture as the bytes of a file of a format.

    Raises:
        ImageError: the format cannot hold it.
    """
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, **_SAVE_OPTIONS.get(kind, {}))
    except (OSError, ValueError, KeyError) as error:
        raise ImageError(f"{target}: cannot be written as {kind} ({error})") from None
    return buffer.getvalue()
