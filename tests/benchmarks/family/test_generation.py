import numpy as np
import pytest
from numpy.typing import NDArray

from aez.benchmarks.family.distances import frechet, kernel
from aez.benchmarks.family.generation import Eye, normal_pixels, shuffled
from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


def normal(n: int, mean: float, spread: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    return mean + np.random.default_rng(seed).standard_normal((n, len(spread))) @ np.linalg.cholesky(spread).T


def test_frechet_of_known_distributions() -> None:
    one = np.diag([1.0, 4.0, 9.0])
    a, same = normal(20_000, 0, one, 0), normal(20_000, 0, one, 1)
    assert frechet(a, same) == pytest.approx(0, abs=0.01)
    assert frechet(a, a + np.array([1, 2, 0])) == pytest.approx(5, abs=1e-6)
    # Diagonal covariances: the sum of (σ_a − σ_b)².
    other = normal(20_000, 0, np.diag([4.0, 1.0, 9.0]), 2)
    assert frechet(a, other) == pytest.approx(2, abs=0.1)
    # Covariances that do not commute, by the root of the product itself.
    left, right = np.array([[2.0, 0.8], [0.8, 1.0]]), np.array([[1.0, -0.5], [-0.5, 3.0]])
    values, vectors = np.linalg.eig(left @ right)
    root = np.trace((vectors * np.sqrt(values)) @ np.linalg.inv(vectors))
    expected = np.trace(left) + np.trace(right) - 2 * root
    assert frechet(normal(40_000, 0, left, 3), normal(40_000, 0, right, 4)) == pytest.approx(expected, abs=0.05)


def test_kernel_distance() -> None:
    one = np.eye(4)
    a = normal(800, 0, one, 0)
    assert abs(kernel(a, normal(800, 0, one, 1))) < 0.02
    assert kernel(a, normal(800, 0.5, one, 2)) > 0.1
    # The same moments up to the second, another shape.
    skewed = np.random.default_rng(3).exponential(1, (800, 4)) - 1
    assert kernel(a, skewed) > 3 * abs(kernel(a, normal(800, 0, one, 1)))


@pytest.fixture(scope="module")
def real(photo: Photo) -> list[Photo]:
    return [photo[i * 8 : i * 8 + 64, j * 30 : j * 30 + 64] for i in range(40) for j in range(10)]


def test_baselines_keep_what_they_shall(real: list[Photo]) -> None:
    mixed = shuffled(real, 16, 0)
    assert np.array_equal(np.sort(np.stack(mixed), None), np.sort(np.stack(real), None))
    assert not np.array_equal(mixed[0], real[0])
    pieces = {one[i : i + 16, j : j + 16].tobytes() for one in real for i in (0, 16, 32, 48) for j in (0, 16, 32, 48)}
    assert mixed[5][16:32, 32:48].tobytes() in pieces
    for spectrum in (False, True):
        noise = np.stack(normal_pixels(real, 100, 1, spectrum=spectrum)).astype(float)
        stack = np.stack(real).astype(float)
        assert np.abs(noise.mean((0, 1, 2)) - stack.mean((0, 1, 2))).max() < 15
        ratio = noise.reshape(-1, 3).std(0) / stack.reshape(-1, 3).std(0)
        assert (ratio > 0.75).all() and (ratio < 1.1).all()
        beside = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
        assert (beside > 0.8) == spectrum


def test_features_tell_noise_from_pictures(tiny: Weights, real: list[Photo]) -> None:
    eye = Eye(Codec(tiny, "cpu", "float32", "torch"))
    base = eye(real[::2])
    centre, spread = base.mean(0), base.std(0) + 1e-9
    sets = [(eye(s) - centre) / spread for s in (real[::2], real[1::2], normal_pixels(real, 100, 1, spectrum=False))]
    assert frechet(sets[0], sets[1]) < 0.2 * frechet(sets[0], sets[2])
