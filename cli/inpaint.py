"""`aez inpaint`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from aez.bitstream.errors import ImageError
from aez.cli.shared import storage
from aez.cli.shared.batch.jobs import Progress
from aez.cli.shared.batch.run import run
from aez.cli.shared.inputs import picture_suffixes
from aez.cli.shared.options.runtime import Shared, runtime_options
from aez.cli.shared.options.search import search_options
from aez.cli.shared.picture_files import read_input
from aez.cli.shared.picture_job import PictureJob

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


@dataclass
class InpaintJob(PictureJob):
    """A run of `aez inpaint`."""

    model: str
    steps: int | None
    mask: str
    missing: Any = field(default=None, init=False)

    def load(self) -> None:
        """Load the codec's networks, and the mask."""
        from aez.codec.family.restoration.inpaint import QUALITY, missing_pixels
        from aez.codec.family.restoration.prior import load_prior
        from aez.codec.picture.depth import to_8_bits
        from aez.codec.runtime.torch.device import choose_device

        picture = read_input(storage.open_source(self.mask), self.mask, self.max_pixels)
        samples = to_8_bits(picture.samples)
        self.missing = missing_pixels(samples if samples.ndim == 2 else samples.max(2))
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
    "--mask", required=True, metavar="MASK", help="Picture of the inputs' size; pixels that are not black mark holes."
)
@search_options
@runtime_options
def command(inputs: tuple[str, ...], mask: str, steps: int | None, model: str, shared: Shared) -> None:
    """Fill the holes of pictures: NAME.filled.png beside each input unless -o says otherwise.

    Fills the holes with the content that costs the fewest bits next to its surroundings; other pixels do not change.
    INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for standard input.
    """
    job = InpaintJob(shared.device, shared.threads_each, shared.max_pixels, shared.rules, model, steps, mask)
    run(job, inputs, shared, suffix=".filled.png", takes=picture_suffixes)
