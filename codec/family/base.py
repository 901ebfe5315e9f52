"""The base class of all members of the autoencoder family."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

Crops = Callable[[], Tensor]


class FamilyModel(nn.Module, ABC):
    """A network that ``aez train --recipe NAME`` trains and that is stored in a weights file.

    Attributes:
        NAME: name for `--model` and `--recipe`.
        SUMMARY: description for `aez models`, one line.
        LOW_PRECISION: whether a :class:`~aez.codec.networks.blocks.DepthConvBlock` of the network may train in
            bfloat16.
        sizes: constructor arguments, enough to build the network again.
        fingerprint: 6 bytes that name a model read from a file, else empty.
    """

    NAME: ClassVar[str]
    SUMMARY: ClassVar[str]
    LOW_PRECISION: ClassVar[bool] = True

    def __init__(self, **sizes: int) -> None:
        """Store the sizes; a subclass passes its own arguments and builds its layers."""
        super().__init__()
        self.sizes = sizes
        self.fingerprint = b""

    @abstractmethod
    def loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the training loss of a batch.

        Args:
            pictures: (N, 3, S, S) float32, RGB / 255 − 1/2.

        Returns:
            The scalar ``loss``, and its terms by name.
        """

    def start(self) -> None:  # most members need no preparation
        """Prepare a new model for training, for example by copying weights from the flagship."""

    def finish(self, crops: Crops) -> None:
        """Measure tables and statistics on training crops; called once before weights are written.

        Args:
            crops: function that returns another batch at each call, as :meth:`loss` takes it.
        """
