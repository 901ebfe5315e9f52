"""Conversion of a picture file to another picture file."""

from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aez.bitstream.errors import AezError, ImageError
from aez.cli.shared import storage
from aez.cli.shared.batch.jobs import Converted, FileRules, Job, Progress
from aez.cli.shared.batch.results import Result
from aez.cli.shared.options.runtime import set_up_process
from aez.cli.shared.picture_files import read_input

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


@dataclass
class PictureJob(Job):
    """A job whose outputs are pictures. A subclass changes the pixels.

    Attributes:
        device: device of the networks.
        threads: CPU threads; None for one per core.
        max_pixels: largest picture to read.
        rules: how files are replaced.
        ready: whether this process is set up.
    """

    device: str
    threads: int | None
    max_pixels: int
    rules: FileRules
    ready: bool = field(default=False, init=False)

    @abstractmethod
    def load(self) -> None:
        """Load the networks.

        Raises:
            AezError: weights or device are missing.
        """

    @abstractmethod
    def change(self, picture: "Picture", progress: Progress | None) -> "Picture":
        """Change a picture; add warnings for the user to it.

        Raises:
            AezError: it cannot be done, with a text that does not name the file.
        """

    def prepare(self) -> None:
        """Set up the process and load the networks, once per process."""
        if not self.ready:
            set_up_process(self.threads)
            self.load()
            self.ready = True

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """Read a picture, change it and write it."""
        from aez.codec.picture.outputs import format_of, write_picture
        from aez.codec.picture.picture import in_8_bits

        self.prepare()
        kind = format_of(Path(target if target != storage.STDIO else "standard output.png"))
        name = storage.shown(source)
        file = storage.open_source(source)
        picture = in_8_bits(read_input(file, name, self.max_pixels))
        size = storage.size_of(file)
        try:
            changed = self.change(picture, progress)
        except AezError as error:
            raise ImageError(f"{name}: {error}") from None
        try:
            made, notes = write_picture(changed, kind)
        except ImageError as error:
            raise ImageError(f"{storage.shown(target, output=True)}: {error}") from None
        height, width = changed.samples.shape[:2]
        return Converted(made, width, height, size, tuple(f"{name}: {note}" for note in notes))

    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """Return the size of the output, although neither file is an `.aez` file."""
        return output_bytes

    def describe(self, result: Result) -> str:
        """Return names, size and time as one line."""
        return (
            f"{storage.shown(result.source)} → {storage.shown(result.target, output=True)}: "
            f"{result.width}×{result.height}, {result.seconds:.2f} s"
        )
