"""`aez denoise`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from aez.cli.shared.batch.jobs import Progress
from aez.cli.shared.batch.run import run
from aez.cli.shared.inputs import picture_suffixes
from aez.cli.shared.options.noise import load_denoiser, sigma_option
from aez.cli.shared.options.runtime import Shared, runtime_options
from aez.cli.shared.picture_job import PictureJob

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


@dataclass
class DenoiseJob(PictureJob):
    """A run of `aez denoise`."""

    sigma: float | None
    effort: int

    def load(self) -> None:
        """Load the denoiser."""
        load_denoiser(self.device)

    def change(self, picture: "Picture", progress: Progress | None) -> "Picture":
        """Remove the noise."""
        from aez.codec.family.restoration.denoise import denoised

        return denoised(picture, self.sigma, effort=self.effort, device=self.device, progress=progress)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@sigma_option
@click.option(
    "--effort",
    type=click.IntRange(0, 3),
    default=0,
    show_default=True,
    help="Average over 1, 2, 4 or 8 turned and mirrored copies: better, and slower by that factor.",
)
@runtime_options
def command(inputs: tuple[str, ...], sigma: float | None, effort: int, shared: Shared) -> None:
    """Remove noise from pictures: NAME.denoised.png beside each input unless -o says otherwise.

    Trained on Gaussian noise, independent from pixel to pixel. `aez compress --denoise` does the same on the way into
    an .aez file. INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for standard input.
    """
    job = DenoiseJob(shared.device, shared.threads_each, shared.max_pixels, shared.rules, sigma, effort)
    run(job, inputs, shared, suffix=".denoised.png", takes=picture_suffixes)
