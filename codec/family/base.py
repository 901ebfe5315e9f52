"""What all members of the autoencoder family have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

Crops = Callable[[], Tensor]


class FamilyModel(nn.Module, ABC):
    """A network that can be trained by ``aez train --recipe NAME`` and kept in a weights file.

    Attributes:
        NAME: what `--model` and `--recipe` take.
        SUMMARY: a line for `aez models`.
        LOW_PRECISION: whether its :class:`~aez.codec.networks.blocks.DepthConvBlock` may train in bfloat16.
        sizes: what it was built with, enough to build it again.
        fingerprint: 6 bytes of a model that was read from a file, else empty.
    """

    NAME: ClassVar[str]
    SUMMARY: ClassVar[str]
    LOW_PRECISION: ClassVar[bool] = True

    def __init__(self, **sizes: int) -> None:
        """Remember the sizes; a subclass gives its own arguments and builds its layers."""
        super().__init__()
        self.sizes = sizes
        self.fingerprint = b""

    @abstractmethod
    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """What to minimise on a batch.

        Args:
            pictures: (N, 3, S, S) float32, RGB / 255 − 1/2.

        Returns:
            The scalar ``loss``, and its parts by name.
        """

    def start(self) -> None:  # most have nothing to do here
        """Prepare a new model for training, as by copying from the flagship."""

    def finish(self, crops: Crops) -> None:
        """Measure on training crops what is not trained, as tables; called once before weights are written.

        Args:
            crops: gives another batch at each call, as :meth:`loss` takes it.
        """
