"""`aez decompress`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aez.bitstream import is_aez, read_header
from aez.bitstream.errors import AezError, ImageError
from aez.bitstream.limits import Limits
from aez.bitstream.partial import FileBytes
from aez.cli.shared import storage
from aez.cli.shared.batch.jobs import Converted, FileRules, Job, Progress
from aez.cli.shared.batch.results import Result
from aez.cli.shared.batch.run import run
from aez.cli.shared.inputs import aez_suffixes
from aez.cli.shared.options.coding import decode_arguments, decode_options
from aez.cli.shared.options.common import runtime_option
from aez.cli.shared.options.limits import limit_options
from aez.cli.shared.options.pictures import writing_options
from aez.cli.shared.options.runtime import Shared, delete_source_option, runtime_options, set_up_process
from aez.codec.model.registry import find_fingerprint

if TYPE_CHECKING:
    from aez.codec.base import PictureCodec
    from aez.codec.picture.picture import Picture


@dataclass
class DecompressJob(Job):
    """A run of `aez decompress`.

    Attributes:
        model: name or path of the weights; None to find them by a file's fingerprint.
        decoding: region, scale and preview, see :func:`decode_arguments`.
        writing: arguments of the picture writer: ``background``, ``auto_orient``, ``strip``, ``to_srgb``.
        suffix: format of standard output.
        device: device of the networks.
        runtime: what computes the networks.
        threads: CPU threads; None for one per core.
        limits: the most that a file may ask for.
        rules: how files are replaced and removed.
        ready: whether this process is set up.
    """

    model: str | None
    decoding: dict[str, Any]
    writing: dict[str, Any]
    suffix: str
    device: str
    runtime: str
    threads: int | None
    limits: Limits
    rules: FileRules
    ready: bool = field(default=False, init=False)

    def prepare(self) -> None:
        """Do nothing: which model a file needs is known only when it is read."""

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """Read and decode a file, and make a picture file."""
        from aez.codec.picture.outputs import format_of, write_picture

        name = f"standard output{self.suffix}" if target == storage.STDIO else target
        kind = format_of(Path(name))
        limits = self.limits
        partly = self.decoding["preview"] or self.decoding["region"] is not None
        with opened_input(source, partly=partly, most=limits.max_memory) as data:
            size = len(data)
            try:
                # A foreign file, or one of an unknown model, is refused before anything large is imported.
                header = read_header(data, limits)
                model = self.model or find_fingerprint(header.fingerprint).name
                from aez.codec import api

                if not self.ready:
                    set_up_process(self.threads)
                    self.ready = True
                codec = api.load(model, self.device, runtime=self.runtime)
                picture = decoded_picture(codec, data, **self.decoding, limits=limits, progress=progress)
            except AezError as error:
                raise type(error)(f"{storage.shown(source)}: {error}") from None
        name = storage.shown(target, output=True)
        try:
            made, notes = write_picture(picture, kind, **self.writing)
        except ImageError as error:
            raise ImageError(f"{name}: {error}") from None
        height, width = picture.samples.shape[:2]
        lacks = None
        if self.rules.delete_source:
            from aez.cli.shared.read_back import missing_from

            lacks = "what the warning says" if notes else missing_from(made, picture)
        return Converted(made, width, height, size, tuple(f"{name}: {note}" for note in notes), lacks)

    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """Return the size of the input."""
        return input_bytes

    def describe(self, result: Result) -> str:
        """Return the size of the picture, the sizes of the files and the time as one line."""
        return (
            f"{storage.shown(result.source)} → {storage.shown(result.target, output=True)}: "
            f"{result.width}×{result.height}, {result.input_bytes} → {result.output_bytes} bytes, "
            f"{result.seconds:.2f} s"
        )


def decoded_picture(
    codec: "PictureCodec",
    data: bytes | FileBytes,
    *,
    region: tuple[int, int, int, int] | None,
    scale: str,
    preview: bool,
    limits: Limits,
    progress: Callable[[float], None] | None,
) -> "Picture":
    """Decode a file, a part of it, or its preview.

    Raises:
        AezError: the file is damaged, or the region not within the picture.
    """
    from aez.codec.decoding.previews import preview_reduction, stored_preview

    header = read_header(data, limits)
    share = Fraction(scale)
    if preview:
        stored = stored_preview(data, limits)
        if stored is not None:
            return codec.decode_picture(stored, limits=limits)
        share = Fraction(1, preview_reduction(header))
    return codec.decode_picture(data, region=region, scale=share, seen=True, limits=limits, progress=progress)


@contextmanager
def opened_input(place: str, *, partly: bool, most: int) -> Iterator[bytes | FileBytes]:
    """Open a file.

    Args:
        place: path, URL or ``-``.
        partly: read only the parts that are used, if it is a path.
        most: most bytes of a file whose size is not known beforehand.

    Raises:
        AezError: the file is missing, a folder, or cannot be read.
    """
    path = Path(place)
    if not partly or not storage.is_local(place) or not path.is_file() or path.stat().st_size == 0:
        yield storage.read_bytes(place, is_aez, most)
        return
    try:
        with FileBytes(path) as data:
            yield data
    except OSError as error:
        raise AezError(f"{path}: cannot be read ({error.strerror})") from None


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--model", metavar="NAME|PATH", help="Weights that made the files, if aez does not have them.")
@click.option(
    "-f",
    "--format",
    "kind",
    default="png",
    show_default=True,
    metavar="SUFFIX",
    help="Format of outputs that -o does not name: any suffix that Pillow can write, such as jpg, webp, tif.",
)
@decode_options
@writing_options
@limit_options
@delete_source_option
@runtime_option
@runtime_options
def command(
    inputs: tuple[str, ...],
    model: str | None,
    kind: str,
    region: tuple[int, int, int, int] | None,
    scale: str,
    preview: bool,
    runtime: str,
    limits: dict[str, int],
    shared: Shared,
    **writing: Any,
) -> None:
    """Turn .aez files back into pictures: PNG beside the inputs, or another format by -o's suffix or -f.

    INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for standard input, which goes to standard
    output. Of two arguments the second is the output, as with -o, if it has a picture's suffix and does not exist.
    """
    decoding = decode_arguments(region=region, scale=scale, preview=preview)
    if shared.delete_source and (region or scale != "1" or preview):
        raise click.UsageError("--delete-source excludes --region, --scale and --preview, which give only a part")
    suffix = "." + kind.lower().removeprefix(".")
    if kind != "png":
        from aez.codec.picture.outputs import format_of_suffix

        try:
            format_of_suffix(suffix)
        except ImageError as error:
            raise click.UsageError(f"--format {kind}: {error}") from None
    job = DecompressJob(
        model=model,
        decoding=decoding,
        writing=writing,
        suffix=suffix,
        device=shared.device,
        runtime=runtime,
        threads=shared.threads_each,
        limits=Limits(max_pixels=shared.max_pixels, **limits),
        rules=shared.rules,
    )
    run(job, inputs, shared, suffix=suffix, takes=aez_suffixes)
