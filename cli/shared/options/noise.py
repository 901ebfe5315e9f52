"""The option `--sigma` of `aez denoise` and `aez compress --denoise`."""

from typing import Any

import click

from aez.cli.shared.options.types import Function
from aez.codec.family.ranges import SIGMA_MAX


class Sigma(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A standard deviation in levels of 0 … 255, or ``auto`` (None)."""

    name = "sigma"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """Convert text to a number, or ``auto`` to None."""
        if value is None or str(value).strip().lower() == "auto":
            return None
        try:
            sigma = float(value)
        except ValueError:
            self.fail(f"{value!r} is neither auto nor a number", param, ctx)
        if not 0 <= sigma <= SIGMA_MAX:
            self.fail(f"{value} is not from 0 to {SIGMA_MAX:g}", param, ctx)
        return sigma


def sigma_option(function: Function) -> Function:
    """Add `--sigma` to a command."""
    option = click.option(
        "--sigma",
        type=Sigma(),
        default="auto",
        show_default=True,
        metavar="auto|N",
        help=f"Standard deviation of the noise in levels of 0 to 255, at most {SIGMA_MAX:g}; auto estimates it.",
    )
    return option(function)


def load_denoiser(device: str) -> None:
    """Load the packaged denoiser, once per process.

    Raises:
        AezError: weights or device are missing.
    """
    from aez.codec.family.members import load_family
    from aez.codec.runtime.torch.device import choose_device

    load_family("denoiser", str(choose_device(device)))
