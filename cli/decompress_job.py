"""The bytes of an `.aez` file to those of a picture file."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aez.bitstream import read_header
from aez.bitstream.errors import AezError, ImageError
from aez.bitstream.limits import Limits
from aez.cli import storage
from aez.cli.jobs import Converted, FileRules, Job, Progress
from aez.cli.options import set_up_process
from aez.cli.results import Result
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


@dataclass
class DecompressJob(Job):
    """`aez decompress` of one file; ``suffix`` is the format of standard output."""

    model: str | None
    device: str
    threads: int | None
    max_pixels: int
    suffix: str
    rules: FileRules
    ready: bool = field(default=False, init=False)

    def prepare(self) -> None:
        """Nothing: which model a file needs is known only when it is read."""

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """Read and decode the file, and make a picture file of it."""
        kind = format_of(f"standard output{self.suffix}" if target == storage.STDIO else target)
        limits = Limits(max_pixels=self.max_pixels)
        data = storage.read_bytes(source)
        try:
            # A foreign file, or one of an unknown model, is refused before the seconds that importing torch takes.
            header = read_header(data, limits)
            name = self.model or find_fingerprint(header.fingerprint).name
            from aez.codec import api

            if not self.ready:
                set_up_process(self.threads)
                self.ready = True
            image = api.load(name, self.device).decode(data, limits=limits, progress=progress)
        except AezError as error:
            raise type(error)(f"{storage.shown(source)}: {error}") from None
        made = picture_bytes(image, kind, storage.shown(target, output=True))
        return Converted(made, image.width, image.height, len(data))

    def verify(self, written: bytes) -> None:
        """Nothing beyond what every job checks: the formats are lossless, or the user's choice."""

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


def format_of(target: str) -> str:
    """Pillow's name of the format that a file's suffix stands for.

    Raises:
        ImageError: Pillow writes none of that suffix.
    """
    from PIL import Image

    suffix = Path(target).suffix
    kind = Image.registered_extensions().get(suffix.lower())
    if kind is None or kind not in Image.SAVE or kind == "AEZ":
        raise ImageError(f"{target}: Pillow cannot write pictures with the suffix {suffix!r}")
    return kind


def picture_bytes(image: "Image.Image", kind: str, name: str) -> bytes:
    """A picture as the bytes of a file of a format.

    Raises:
        ImageError: the format cannot hold it.
    """
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, **_SAVE_OPTIONS.get(kind, {}))
    except (OSError, ValueError, KeyError) as error:
        raise ImageError(f"{name}: cannot be written as {kind} ({error})") from None
    return buffer.getvalue()
