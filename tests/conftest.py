"""Fixtures that several folders share: the frozen tiny model, its golden files, and a photograph.

Tests that need PyTorch are marked ``torch``. Where it is not installed they are skipped, and a module whose
``pytestmark`` has the mark is not imported.
"""

import json
import re
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from aez.codec.codec import Codec
from aez.codec.extras import is_installed
from aez.codec.model.registry import PSNR_MODEL, find_model
from aez.codec.model.weightfile import Weights, read_weights
from aez.codec.threads import set_threads

hypothesis.settings.register_profile(
    "aez", deadline=None, max_examples=50, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("aez")

# The pictures are tiny: on a busy machine, threads that wait for each other cost more than they gain.
set_threads(1)

DATA = Path(__file__).parent / "data"
GOLDENS = ("low", "high", "dot", "tiled", "rare", "deep")
LAYERED = ("layered", "exact", "indexed")
_WITHOUT_TORCH = "PyTorch is not installed"
_MARKED = re.compile(r"^pytestmark = (?:\[\s*)?pytest\.mark\.torch\b", re.M)


class _SkippedModule(pytest.Module):
    """A module that is not imported."""

    def collect(self) -> list[pytest.Item]:  # type: ignore[override]
        pytest.skip(_WITHOUT_TORCH, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if is_installed("torch") or not _MARKED.search(module_path.read_text(encoding="utf-8")):
        return None
    skipped: pytest.Module = _SkippedModule.from_parent(parent, path=module_path)
    return skipped


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("torch") and not is_installed("torch"):
        pytest.skip(_WITHOUT_TORCH)


@pytest.fixture(scope="session")
def tiny_path() -> Path:
    return DATA / "tiny.safetensors"


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Weights:
    return read_weights(tiny_path)


@pytest.fixture(scope="session")
def codec(tiny: Weights) -> Codec:
    """The codec as users without an accelerator get it."""
    return Codec(tiny, "cpu", "float32")


@pytest.fixture(scope="session", params=["light", pytest.param("torch", marks=pytest.mark.torch)])
def runtime(request: pytest.FixtureRequest) -> str:
    """One runtime after the other."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def each_codec(tiny: Weights, runtime: str) -> Codec:
    """The codec on one runtime after the other."""
    return Codec(tiny, "cpu", "float32", runtime)


@pytest.fixture(scope="session")
def packaged() -> Weights:
    return read_weights(find_model(PSNR_MODEL).path)


@pytest.fixture(scope="session")
def goldens() -> dict[str, bytes]:
    return {name: (DATA / f"{name}.aez").read_bytes() for name in GOLDENS}


@pytest.fixture(scope="session")
def layered_goldens() -> dict[str, bytes]:
    """Files with layers, which are not the streams of their symbols alone."""
    return {name: (DATA / f"{name}.aez").read_bytes() for name in LAYERED}


@pytest.fixture(scope="session")
def digests() -> dict[str, str]:
    digests: dict[str, str] = json.loads((DATA / "goldens.json").read_text())
    return digests


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A photograph of 512×512 pixels; tests cut small pieces from it."""
    samples: NDArray[np.uint8] = data.astronaut()  # type: ignore[no-untyped-call]
    return samples
