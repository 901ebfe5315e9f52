"""Options of the commands that optimise the codec's latents."""

import click

from aez.cli.shared.options.common import model_option_of
from aez.cli.shared.options.types import Function, add_options
from aez.codec.model.registry import PSNR_MODEL


def search_options(function: Function) -> Function:
    """Add `--steps` and `--model`; each command has its own default of steps."""
    steps = click.option(
        "--steps", type=click.IntRange(min=0), metavar="N", help="Optimisation steps: more is better and slower."
    )
    return add_options(function, (steps, model_option_of(PSNR_MODEL)))
