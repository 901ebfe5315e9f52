"""Options that most commands have."""

from collections.abc import Callable

import click

from aez.cli.shared.options.types import Function
from aez.codec.model.registry import DEFAULT_MODEL
from aez.codec.runtime.choice import DEVICES, RUNTIMES, VARIABLE


def model_option_of(default: str) -> Callable[[Function], Function]:
    """Return the option that chooses a model."""
    return click.option(
        "--model", default=default, show_default=True, metavar="NAME|PATH", help="Model, see `aez models`."
    )


model_option = model_option_of(DEFAULT_MODEL)
device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Device of the networks.",
)
runtime_option = click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default="auto",
    show_default=True,
    help=f"What computes the networks. light needs no PyTorch; auto is what {VARIABLE} says, else PyTorch for a GPU.",
)
