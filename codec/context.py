"""What the mean context has computed for an area, kept for the next time it is needed."""

from dataclasses import dataclass

from torch import Tensor

from aez.codec.windows import Window


@dataclass(frozen=True)
class Context:
    """The mean context of an area of latents, (1, channels, rows, columns) each."""

    area: Window
    features: Tensor
    first: Tensor
    mask: Tensor


Contexts = dict[Window, Context]
"""By the window of cells that they were computed for."""
