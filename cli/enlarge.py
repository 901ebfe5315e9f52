"""`aez enlarge`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from aez.cli.shared.batch.jobs import Progress
from aez.cli.shared.batch.run import run
from aez.cli.shared.inputs import picture_suffixes
from aez.cli.shared.options.runtime import Shared, runtime_options
from aez.cli.shared.options.search import search_options
from aez.cli.shared.picture_job import PictureJob

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


@dataclass
class EnlargeJob(PictureJob):
    """A run of `aez enlarge`."""

    model: str
    steps: int | None

    def load(self) -> None:
        """Load the codec's networks."""
        from aez.codec.family.restoration.enlarge import QUALITY
        from aez.codec.family.restoration.prior import load_prior
        from aez.codec.runtime.torch.device import choose_device

        load_prior(QUALITY, self.model, str(choose_device(self.device)))

    def change(self, picture: "Picture", progress: Progress | None) -> "Picture":
        """Enlarge a picture."""
        from aez.codec.family.restoration.enlarge import STEPS, enlarged

        steps = STEPS if self.steps is None else self.steps
        return enlarged(picture, steps=steps, model=self.model, device=self.device, progress=progress)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@search_options
@runtime_options
def command(inputs: tuple[str, ...], steps: int | None, model: str, shared: Shared) -> None:
    """Make pictures twice as wide and high: NAME.x2.png beside each input unless -o says otherwise.

    Finds the larger picture that costs the fewest bits among those that reduce to the input. INPUT is a file,
    a folder (with -r), a pattern in quotes, a URL, or - for standard input.
    """
    job = EnlargeJob(shared.device, shared.threads_each, shared.max_pixels, shared.rules, model, steps)
    run(job, inputs, shared, suffix=".x2.png", takes=picture_suffixes)
