"""What the mean context has computed for an area, kept for the next time it is needed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from aez.codec.symbols.windows import Window


@dataclass(frozen=True)
class Context:
    """The mean context of an area of latents, (1, channels, rows, columns) each.

    The area is one of whole cells: at the end of a picture it may reach beyond the picture's last latent.
    """

    area: Window
    features: Tensor
    first: Tensor
    mask: Tensor


Contexts = dict[Window, Context]
"""By the window of cells that they were computed for."""


def to_cells(values: Tensor, shape: Sequence[int], fill: int = 0) -> Tensor:
    """Pad latents (…, rows, columns) with ``fill`` below and to the right to the shape of an area of whole cells."""
    rows, cols = values.shape[-2:]
    if (rows, cols) == tuple(shape):
        return values
    return F.pad(values, (0, shape[1] - cols, 0, shape[0] - rows), value=fill)
