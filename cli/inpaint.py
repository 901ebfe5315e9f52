"""`aez inpaint`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from aez.bitstream.errors import ImageError
from aez.cli import storage
from aez.cli.batch import run
from aez.cli.compress_job import read_picture
from aez.cli.inputs import picture_suffixes
from aez.cli.jobs import Progress
from aez.cli.options import Shared, runtime_options
from aez.cli.picture_job import PictureJob
from aez.cli.search_options import search_options

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


@dataclass
class InpaintJob(PictureJob):
    """`aez inpaint` of one file."""

    model: str
    steps: int | None
    mask: str
    missing: Any = field(default=None, init=False)

    def load(self) -> None:
        """Load the codec's networks, and the mask."""
        from aez.codec.family.restoration.inpaint import QUALITY, missing_pixels
        from aez.codec.family.restoration.prior import load_prior
        from aez.codec.runtime.torch.device import choose_device

        picture = read_picture(
            storage.open_source(self.mask), self.mask, self.max_pixels, auto_orient=False, strip=False, to_srgb=False
        )
        self.missing = missing_pixels(picture.samples if picture.samples.ndim == 2 else picture.samples.max(2))
        load_prior(QUALITY, self.model, str(choose_device(self.device)))

    def change(self, picture: "Picture", progress: Progress | None) -> "Picture":
        """Fill the holes."""
        from aez.codec.family.restoration.inpaint import STEPS, inpainted

        steps = STEPS if self.steps is None else self.steps
        try:
            return inpainted(
                picture, self.missing, steps=steps, model=self.model, device=self.device, progress=progress
            )
        except ImageError as error:
            raise ImageError(f"{self.mask}: {error}") from None


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--mask", required=True, metavar="MASK", help="Picture as large as the inputs, not black where pixels are missing."
)
@search_options
@runtime_options
def command(inputs: tuple[str, ...], mask: str, steps: int | None, model: str, shared: Shared) -> None:
    """Fill the holes of pictures: NAME.filled.png beside each input unless -o says otherwise.

    In the holes the content is searched that is cheapest to code with what is around them; other pixels stay as they
    are. INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for standard input.
    """
    job = InpaintJob(shared.device, shared.threads_each, shared.max_pixels, shared.rules, model, steps, mask)
    run(job, inputs, shared, suffix=".filled.png", takes=picture_suffixes)
