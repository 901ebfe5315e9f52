"""The runtime without torch against the networks in torch, method by method."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.codec.geometry.grid import Grid
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.weightfile import Weights, read_weights
from aez.codec.runtime.light.networks import LightNetworks
from aez.codec.runtime.networks import Networks
from aez.codec.runtime.torch.networks import TorchNetworks

pytestmark = pytest.mark.torch

Both = tuple[LightNetworks, TorchNetworks]
POSITION = 300


@pytest.fixture(scope="module")
def weights(tiny_path: Path) -> Weights:
    return read_weights(tiny_path)


@pytest.fixture(scope="module")
def both(weights: Weights) -> Both:
    return LightNetworks(weights), TorchNetworks(weights, torch.device("cpu"), torch.float32)


def alike(both: Both, function: Callable[[Any], Any], tolerance: float = 1e-5) -> NDArray[Any]:
    """Check that both give the same up to rounding, and return what the light ones gave."""
    light, heavy = (np.asarray(networks.host(function(networks))) for networks in both)
    assert (light.shape, light.dtype) == (heavy.shape, heavy.dtype)
    assert np.abs(light).max() > 0
    assert np.allclose(light, heavy, rtol=1e-4, atol=tolerance * float(np.abs(heavy).max()))
    return light


class HostedTensors:
    """Networks whose arrays are NumPy's whatever computes them."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks

    def host(self, array: Any) -> NDArray[Any]:
        return array if isinstance(array, np.ndarray) else self.networks.host(array)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.networks, name)


@pytest.fixture(scope="module")
def pair(both: Both) -> Any:
    return tuple(map(HostedTensors, both))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(64, 80), (16, 16), (32, 112)])
def test_analysis(pair: Any, photo: NDArray[np.uint8], channels: int, shape: tuple[int, int]) -> None:
    pixels = np.ascontiguousarray(photo[100 : 100 + shape[0], 200 : 200 + shape[1], :channels])
    y = alike(pair, lambda networks: networks.analyse(pixels, POSITION))
    assert y.shape[1:] == (shape[0] // 16, shape[1] // 16)


def some_latents(weights: Weights, rows: int = 8, cols: int = 12) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 3, (weights.config.latent, rows, cols)).astype(np.float32)


def some_z(weights: Weights) -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-4, 5, (weights.config.hyper, 2, 3), dtype=np.int16)


def test_hyper_analysis(pair: Any, weights: Weights) -> None:
    y = some_latents(weights)
    alike(pair, lambda networks: networks.hyper_analyse(y))


@pytest.mark.parametrize("place", [(0, 0), (3, 4), (5, 7)])
def test_means_and_their_slopes(pair: Any, weights: Weights, place: tuple[int, int]) -> None:
    z, r = some_z(weights), some_latents(weights).astype(np.int16)
    slopes = np.random.default_rng(2).normal(size=r.shape).astype(np.float32)
    alike(pair, lambda networks: networks.context(z, *place).first)
    mask = alike(pair, lambda networks: networks.context(z, *place).mask, 0)
    assert set(np.unique(mask)) == {0, 1}
    alike(pair, lambda networks: networks.second_mean(networks.context(z, *place), r))
    alike(pair, lambda networks: networks.second_mean_slope(networks.context(z, *place), r)[0])
    alike(pair, lambda networks: networks.second_mean_slope(networks.context(z, *place), r)[1](slopes))


@pytest.mark.parametrize("inside", [None, (slice(1, 5), slice(2, 11))])
def test_latents(pair: Any, weights: Weights, inside: Any) -> None:
    z, r = some_z(weights), some_latents(weights).astype(np.int16)
    alike(pair, lambda networks: networks.reconstruct(networks.context(z, 0, 0), r, inside))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("reduction", [1, 2, 4, 8, 16])
def test_synthesis(pair: Any, weights: Weights, channels: int, reduction: int) -> None:
    y_hat = some_latents(weights, 5, 7)
    levels = alike(pair, lambda networks: networks.synthesise(y_hat, POSITION, channels, reduction))
    assert levels.shape == (80 // reduction, 112 // reduction, channels)
    assert np.array_equal(levels, pair[0].synthesise(y_hat[None], POSITION, channels, reduction))


def test_strips_do_not_show(pair: Any, weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    y_hat = some_latents(weights, 9, 7)
    whole = pair[0].synthesise(y_hat, POSITION, 3)
    monkeypatch.setattr("aez.codec.runtime.light.networks._STRIP", 14)
    assert np.allclose(pair[0].synthesise(y_hat, POSITION, 3), whole, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_numbers_of_the_search(pair: Any, channels: int) -> None:
    errors = np.random.default_rng(3).normal(size=(6, 256 * channels)).astype(np.float32)
    alike(pair, lambda networks: networks.project(errors, channels))
    alike(pair, lambda networks: networks.newton_response(POSITION, channels))
    alike(pair, lambda networks: networks.curvature(POSITION, channels))


def test_gradients_are_those_of_torch(pair: Any, weights: Weights) -> None:
    y_hat = some_latents(weights, 4, 4)
    slopes = np.random.default_rng(4).normal(size=(64, 64, 3)).astype(np.float32)
    torch_y = torch.from_numpy(y_hat)[None]
    light, heavy = (
        networks.synthesise_slope(y, POSITION, 3) for networks, y in zip(pair, (y_hat[None], torch_y), strict=True)
    )
    assert np.array_equal(light[0], pair[1].host(heavy[0]))
    assert np.array_equal(light[1](slopes), heavy[1](slopes))
    point, y, z = OperatingPoint(weights, POSITION), some_latents(weights), some_z(weights)
    rows = [networks.refine_hyper(y, z, slice(0, 1), point, 4) for networks in pair]
    assert np.array_equal(*rows)
    assert Grid(8 * 16, 12 * 16).cells.shape == z.shape[1:]
