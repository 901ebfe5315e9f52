"""The bytes of an `.aez` file to those of a picture file."""

from dataclasses import dataclass, field
from pathlib import Path

from aez.bitstream import read_header
from aez.bitstream.errors import AezError, ImageError
from aez.bitstream.limits import Limits
from aez.cli import storage
from aez.cli.jobs import Converted, FileRules, Job, Progress
from aez.cli.options import set_up_process
from aez.cli.pixel_options import decoded_picture, opened_input, output_bytes
from aez.cli.read_back import missing_from
from aez.cli.results import Result
from aez.codec.model.registry import find_fingerprint


@dataclass(frozen=True)
class DecompressPixels:
    """What part of the picture is wanted, and in which form: the options of that name."""

    region: tuple[int, int, int, int] | None = None
    scale: str = "1"
    preview: bool = False
    background: tuple[int, int, int] = (255, 255, 255)
    auto_orient: bool = False
    strip: bool = False
    to_srgb: bool = False


@dataclass
class DecompressJob(Job):
    """`aez decompress` of one file; ``suffix`` is the format of standard output."""

    model: str | None
    device: str
    threads: int | None
    max_pixels: int
    suffix: str
    pixels: DecompressPixels
    rules: FileRules
    ready: bool = field(default=False, init=False)

    def prepare(self) -> None:
        """Nothing: which model a file needs is known only when it is read."""

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """Read and decode the file, and make a picture file of it."""
        from aez.codec.picture.outputs import format_of

        name = f"standard output{self.suffix}" if target == storage.STDIO else target
        kind = format_of(Path(name))
        wanted, limits = self.pixels, Limits(max_pixels=self.max_pixels)
        with opened_input(source, partly=wanted.preview or wanted.region is not None) as data:
            size = len(data)
            try:
                # A foreign file, or one of an unknown model, is refused before the seconds that importing torch takes.
                header = read_header(data, limits)
                model = self.model or find_fingerprint(header.fingerprint).name
                from aez.codec import api

                if not self.ready:
                    set_up_process(self.threads)
                    self.ready = True
                picture = decoded_picture(
                    api.load(model, self.device),
                    data,
                    region=wanted.region,
                    scale=wanted.scale,
                    preview=wanted.preview,
                    limits=limits,
                    progress=progress,
                )
            except AezError as error:
                raise type(error)(f"{storage.shown(source)}: {error}") from None
        name = storage.shown(target, output=True)
        try:
            made, notes = output_bytes(
                picture,
                kind,
                background=wanted.background,
                auto_orient=wanted.auto_orient,
                strip=wanted.strip,
                to_srgb=wanted.to_srgb,
            )
        except ImageError as error:
            raise ImageError(f"{name}: {error}") from None
        height, width = picture.samples.shape[:2]
        lacks = None
        if self.rules.delete_source:
            lacks = "what the warning says" if notes else missing_from(made, picture)
        return Converted(made, width, height, size, tuple(f"{name}: {note}" for note in notes), lacks)

    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """The input's."""
        return input_bytes

    def describe(self, result: Result) -> str:
        """Size of the picture, sizes of the files and time."""
        return (
            f"{storage.shown(result.source)} → {storage.shown(result.target, output=True)}: "
            f"{result.width}×{result.height}, {result.input_bytes} → {result.output_bytes} bytes, "
            f"{result.seconds:.2f} s"
        )
