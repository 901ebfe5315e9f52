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
    from aez.codec.family.loading import family_weights
    from aez.codec.family.sparse import SparseAutoencoder
    from aez.codec.family.weightfile import FamilyWeights
    from aez.codec.training.data import CropSampler
    from aez.codec.training.graphs import with_family_graphs


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
    return model


@pytest.fixture(scope="session")
def small_weights(small: SparseAutoencoder) -> FamilyWeights:
    return with_family_graphs(family_weights(small, {}))


@pytest.fixture(scope="session", params=["light", "torch"])
def family_codec(small_weights: FamilyWeights, request: pytest.FixtureRequest) -> FamilyCodec:
    return FamilyCodec(small_weights, "cpu", request.param)
