"""Fixtures: small untrained members of the family with measured tables, and crops of a photograph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.extras import is_installed

if is_installed("torch"):
    import torch
    from torch import Tensor

    from aez.codec.family.coding import FamilyCodec
    from aez.codec.family.sparse import SparseAutoencoder
    from aez.codec.training.data import CropSampler


@pytest.fixture(scope="session")
def crops_of(photo: NDArray[np.uint8]) -> Callable[[int, int], Callable[[], Tensor]]:
    """Return a function from side and count to a source of batches."""

    def make(side: int, count: int) -> Callable[[], Tensor]:
        sampler = CropSampler([torch.from_numpy(photo).permute(2, 0, 1)], side, 3)
        return lambda: sampler.batch(count)

    return make


@pytest.fixture(scope="session")
def small(crops_of: Callable[[int, int], Callable[[], Tensor]]) -> SparseAutoencoder:
    torch.manual_seed(0)
    model = SparseAutoencoder(channels=48, analysis=16, synthesis16=16, synthesis8=16, points=4)
    with torch.inference_mode():
        model.eval().finish(crops_of(64, 4))
    model.fingerprint = b"family"
    return model


@pytest.fixture(scope="session")
def family_codec(small: SparseAutoencoder) -> FamilyCodec:
    return FamilyCodec(small, "cpu")
