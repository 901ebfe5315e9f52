"""What `aez denoise` and `aez compress --denoise` share."""

from collections.abc import Callable
from typing import Any

import click

Function = Callable[..., Any]
SIGMA_MAX = 60.0


class Sigma(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """``auto`` (None), or a standard deviation in levels of 0 … 255."""

    name = "sigma"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """Text to a number or None."""
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
    """`--sigma`."""
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
    """Load the packaged denoiser, once a process.

    Raises:
        AezError: it is not there, or the device is not.
    """
    from aez.codec.family.members import load_family
    from aez.codec.runtime.torch.device import choose_device

    load_family("denoiser", str(choose_device(device)))
