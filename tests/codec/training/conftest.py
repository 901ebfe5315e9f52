"""A model small enough to train in a test; tests that train need the `train` extra."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.extras import is_installed
from aez.codec.model.weightfile import Weights

if TYPE_CHECKING:
    from torch import Tensor

    from aez.codec.networks import HyperpriorModel

if is_installed("torch"):
    pytest.importorskip("compressai")


@pytest.fixture
def model(tiny: Weights) -> "HyperpriorModel":
    from aez.codec.networks.loading import training_model

    return training_model(tiny)


@pytest.fixture(scope="session")
def pictures(photo: NDArray[np.uint8]) -> "list[Tensor]":
    """(3, H, W) uint8, as the loaders give them."""
    import torch

    pieces = (photo[:128, 100:260], photo[200:300, 150:280])
    return [torch.from_numpy(piece.transpose(2, 0, 1).copy()) for piece in pieces]
