"""Options that most commands have."""

import click

from aez.codec.model.registry import DEFAULT_MODEL
from aez.codec.runtime.choice import DEVICES, RUNTIMES, VARIABLE

model_option = click.option(
    "--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH", help="Model, see `aez models`."
)
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
