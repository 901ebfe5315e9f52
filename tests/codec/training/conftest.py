"""A model small enough to train in a test; every test here needs the `train` extra."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

pytest.importorskip("compressai")

from aez.codec.model.weightfile import Weights
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.loading import training_model


@pytest.fixture
def model(tiny: Weights) -> HyperpriorModel:
    return training_model(tiny)


@pytest.fixture(scope="session")
def pictures(photo: NDArray[np.uint8]) -> list[Tensor]:
    """(3, H, W) uint8, as the loaders give them."""
    pieces = (photo[:128, 100:260], photo[200:300, 150:280])
    return [torch.from_numpy(piece.transpose(2, 0, 1).copy()) for piece in pieces]
