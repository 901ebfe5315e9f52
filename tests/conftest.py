"""Fixtures that several folders share: the frozen tiny model, its golden files, and a photograph."""

import json
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

from aez.codec.codec import Codec
from aez.codec.model.registry import packaged_models
from aez.codec.model.weightfile import Weights, read_weights

hypothesis.settings.register_profile(
    "aez", deadline=None, max_examples=50, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("aez")

# The pictures are tiny: on a busy machine, threads that wait for each other cost more than they gain.
torch.set_num_threads(1)

DATA = Path(__file__).parent / "data"
GOLDENS = ("low", "high", "dot", "tiled", "rare")


@pytest.fixture(scope="session")
def tiny_path() -> Path:
    return DATA / "tiny.safetensors"


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Weights:
    return read_weights(tiny_path)


@pytest.fixture(scope="session")
def codec(tiny: Weights) -> Codec:
    return Codec(tiny, "cpu", "float32")


@pytest.fixture(scope="session")
def packaged() -> Weights:
    return read_weights(packaged_models()[0].path)


@pytest.fixture(scope="session")
def goldens() -> dict[str, bytes]:
    return {name: (DATA / f"{name}.aez").read_bytes() for name in GOLDENS}


@pytest.fixture(scope="session")
def digests() -> dict[str, str]:
    digests: dict[str, str] = json.loads((DATA / "goldens.json").read_text())
    return digests


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A photograph of 512×512 pixels; tests cut small pieces from it."""
    samples: NDArray[np.uint8] = data.astronaut()  # type: ignore[no-untyped-call]
    return samples
