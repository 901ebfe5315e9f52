"""The protocol of a fit: something that is measured on pictures and stored in a model's weights file."""

from collections.abc import Iterable
from typing import Protocol

from torch import Tensor

from aez.codec.model.weightfile import Weights


class Fit(Protocol):
    """A measurement on training pictures that adds tensors to a model.

    Attributes:
        name: name in the setting ``fits``.
        needs: number of pictures to measure on.
    """

    name: str
    needs: int

    def apply(self, weights: Weights, pictures: Iterable[Tensor]) -> Weights:
        """Measure, and return the model with the result.

        Args:
            weights: any model; an earlier result of the same fit is replaced.
            pictures: (3, H, W) uint8.
        """
