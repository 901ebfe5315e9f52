"""One picture file to another picture file."""

from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aez.bitstream.errors import AezError, ImageError
from aez.cli import storage
from aez.cli.compress_job import read_picture
from aez.cli.jobs import Converted, FileRules, Job, Progress
from aez.cli.options import set_up_process
from aez.cli.pixel_options import output_bytes
from aez.cli.results import Result

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


@dataclass
class PictureJob(Job):
    """A command whose outputs are pictures; a subclass says what is done to the pixels.

    Attributes:
        device: where networks run.
        threads: CPU threads; None leaves it to torch.
        max_pixels: of an input.
        rules: what happens to files.
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
            AezError: they are not there, or the device is not.
        """

    @abstractmethod
    def change(self, picture: "Picture", progress: Progress | None) -> "Picture":
        """What becomes of a picture; its new warnings say what the user should know.

        Raises:
            AezError: it cannot be done, with a text that does not name the file.
        """

    def prepare(self) -> None:
        """Set up the process, and load the networks; once a process."""
        if not self.ready:
            set_up_process(self.threads)
            self.load()
            self.ready = True

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """Read a picture, change it and make a file of it."""
        from aez.codec.picture.alpha.transparency import BACKGROUND
        from aez.codec.picture.outputs import format_of

        self.prepare()
        kind = format_of(Path(target if target != storage.STDIO else "standard output.png"))
        name = storage.shown(source)
        file = storage.open_source(source)
        picture = read_picture(file, name, self.max_pixels, auto_orient=False, strip=False, to_srgb=False)
        size = storage.size_of(file)
        try:
            changed = self.change(picture, progress)
        except AezError as error:
            raise ImageError(f"{name}: {error}") from None
        try:
            made, notes = output_bytes(
                changed, kind, background=BACKGROUND, auto_orient=False, strip=False, to_srgb=False
            )
        except ImageError as error:
            raise ImageError(f"{storage.shown(target, output=True)}: {error}") from None
        height, width = changed.samples.shape[:2]
        return Converted(made, width, height, size, tuple(f"{name}: {note}" for note in notes))

    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """The output's, though neither is an `.aez` file."""
        return output_bytes

    def describe(self, result: Result) -> str:
        """Names, size and time."""
        return (
            f"{storage.shown(result.source)} → {storage.shown(result.target, output=True)}: "
            f"{result.width}×{result.height}, {result.seconds:.2f} s"
        )
