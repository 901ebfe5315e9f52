"""Options that most commands have."""

import click

from aez.codec.model.registry import DEFAULT_MODEL

model_option = click.option(
    "--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH", help="Model, see `aez models`."
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Device of the networks.",
)
