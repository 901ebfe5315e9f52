"""`aez colourise`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from aez.cli.shared.batch.jobs import Progress
from aez.cli.shared.batch.run import run
from aez.cli.shared.inputs import picture_suffixes
from aez.cli.shared.options.runtime import Shared, runtime_options
from aez.cli.shared.options.types import Number
from aez.cli.shared.picture_job import PictureJob

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


@dataclass
class ColouriseJob(PictureJob):
    """A run of `aez colourise`."""

    saturation: float

    def load(self) -> None:
        """Load the colouriser."""
        from aez.codec.family.members import load_family
        from aez.codec.runtime.torch.device import choose_device

        load_family("colouriser", str(choose_device(self.device)))

    def change(self, picture: "Picture", progress: Progress | None) -> "Picture":
        """Colourise a picture."""
        from aez.codec.family.restoration.colourise import colourised

        return colourised(picture, saturation=self.saturation, device=self.device)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--saturation",
    type=Number(0, 4),
    default=1.0,
    show_default=True,
    help="Factor of the colours' strength; guesses are pale where several colours are likely.",
)
@runtime_options
def command(inputs: tuple[str, ...], saturation: float, shared: Shared) -> None:
    """Guess the colours of grey pictures: NAME.coloured.png beside each input unless -o says otherwise.

    Of a colour picture only the luma is used. INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for
    standard input.
    """
    job = ColouriseJob(shared.device, shared.threads_each, shared.max_pixels, shared.rules, saturation)
    run(job, inputs, shared, suffix=".coloured.png", takes=picture_suffixes)
