from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import ModelError
from aez.codec.model import exact
from aez.codec.model.exact import ACTIVATION_MAX, ExactScales
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.weightfile import Weights

Array = NDArray[np.int64]


def sums(scales: ExactScales, z: NDArray[np.int16], position: int) -> Array:
    """SPEC section 5.3 in 64-bit integers, before the last shift: (16·M, h, w)."""
    w = {k: getattr(scales, k).astype(np.int64) for k in ("conv1", "conv2", "conv3", "linear", "quality_bias")}
    b = {k: getattr(scales, k).astype(np.int64)[:, None, None] for k in ("bias1", "bias2", "bias3")}
    s0, s1, s2, _ = scales.shifts
    values = z.astype(np.int64)
    _, rows, cols = z.shape
    a = np.clip((np.einsum("oi,ihw->ohw", w["conv1"], values) + b["bias1"]) >> s0, 0, ACTIVATION_MAX)
    padded = np.pad(a, ((0, 0), (1, 1), (1, 1)))
    conv2 = w["conv2"].reshape(len(a), len(a), 3, 3)
    total = b["bias2"] + sum(
        np.einsum("oi,ihw->ohw", conv2[:, :, i, j], padded[:, i : i + rows, j : j + cols])
        for i in range(3)
        for j in range(3)
    )
    hidden = np.clip(total >> s1, 0, ACTIVATION_MAX)
    point, fraction = divmod(position, 256)
    quality = w["quality_bias"]
    if point == len(quality) - 1:
        point, fraction = point - 1, 256
    bias = (quality[point] * (256 - fraction) + quality[point + 1] * fraction) >> 8
    out: Array = (
        np.einsum("oi,ihw->ohw", w["conv3"], hidden)
        + (np.einsum("oi,ihw->ohw", w["linear"], values) << s2)
        + b["bias3"]
        + np.repeat(bias, 16)[:, None, None]
    )
    return out


def reference(scales: ExactScales, z: NDArray[np.int16], position: int) -> Array:
    """The indices, (M, 4·h, 4·w)."""
    _, rows, cols = z.shape
    index = np.clip(sums(scales, z, position) >> scales.shifts[3], 0, 63).reshape(-1, 4, 4, rows, cols)
    shuffled: Array = index.transpose(0, 3, 1, 4, 2).reshape(-1, 4 * rows, 4 * cols)
    return shuffled


def float_twin(scales: ExactScales, z: NDArray[np.int16], position: int) -> Array:
    """The same sums as a float network would do them, in float32."""
    f = {
        k: getattr(scales, k).astype(np.float32)
        for k in ("conv1", "bias1", "conv2", "bias2", "conv3", "linear", "bias3")
    }
    s0, s1, s2, s3 = (np.float32(2.0**s) for s in scales.shifts)
    hyper, rows, cols = z.shape
    cells = z.astype(np.float32).reshape(hyper, -1)
    a = np.clip((f["conv1"] @ cells + f["bias1"][:, None]) / s0, 0, np.float32(ACTIVATION_MAX))
    padded = np.pad(a.reshape(-1, rows, cols), ((0, 0), (1, 1), (1, 1)))
    moved = [padded[:, i : i + rows, j : j + cols] for i in range(3) for j in range(3)]
    patches = np.stack(moved, 1).reshape(9 * len(a), -1)
    hidden = np.clip((f["conv2"] @ patches + f["bias2"][:, None]) / s1, 0, np.float32(ACTIVATION_MAX))
    bias = f["bias3"] + np.repeat(scales.bias_at(position).astype(np.float32), 16)
    out = f["conv3"] @ hidden + (f["linear"] @ cells) * s2 + bias[:, None]
    assert out.dtype == np.float32
    index = np.clip(np.floor(out / s3), 0, 63).astype(np.int64).reshape(-1, 4, 4, rows, cols)
    shuffled: Array = index.transpose(0, 3, 1, 4, 2).reshape(-1, 4 * rows, 4 * cols)
    return shuffled


def random_z(weights: Weights, rows: int, cols: int, spread: float | None, seed: int = 0) -> NDArray[np.int16]:
    """Within the tables' bounds; uniform over all that is allowed if ``spread`` is None."""
    rng = np.random.default_rng(seed)
    bound = weights.exact.hyper_bound
    shape = (weights.config.hyper, rows, cols)
    z = rng.integers(-bound, bound + 1, shape) if spread is None else np.round(rng.normal(0, spread, shape))
    return np.clip(z, -bound, bound).astype(np.int16)


@pytest.mark.parametrize("position", [0, 1, 255, 256, 300, 511, 767, 768])
@pytest.mark.parametrize("spread", [1.0, 6.0, None])
def test_integers_bit_for_bit(tiny: Weights, position: int, spread: float | None) -> None:
    z = random_z(tiny, 5, 7, spread, position)
    indices = tiny.exact.indices(z, position)
    assert indices.dtype == np.uint8
    assert np.array_equal(indices, reference(tiny.exact, z, position))
    assert len(np.unique(indices)) > 10


@pytest.mark.parametrize("sign", [-1, 1])
def test_extreme_inputs(tiny: Weights, sign: int) -> None:
    scales = tiny.exact
    for row in (0, 7):
        # The signs that drive one output of the first layer and of the linear part as far as they go.
        direction = np.sign((scales.conv1[row] if row else scales.linear[0]).astype(np.int64))
        z = np.repeat((sign * direction * scales.hyper_bound)[:, None, None], 3, 1).repeat(4, 2)
        z = z.astype(np.int16)
        assert np.abs(z).max() == scales.hyper_bound
        assert np.array_equal(scales.indices(z, 700), reference(scales, z, 700))


@pytest.mark.parametrize("below", [0, 1])
def test_sums_at_the_edge_of_an_index(tiny: Weights, below: int) -> None:
    """Biases that bring every sum of one cell onto a multiple of the last shift, or one below it."""
    scales, position = tiny.exact, 300
    z = random_z(tiny, 1, 1, 3.0)
    excess = sums(scales, z, position)[:, 0, 0] % (1 << scales.shifts[3])
    edged = widened(scales, bias3=scales.bias3 - excess - below)
    expected = reference(edged, z, position)
    assert np.array_equal(edged.indices(z, position), expected)
    assert ((expected > 0) & (expected < 63)).mean() > 0.5


def test_the_order_of_summation_does_not_matter(packaged: Weights) -> None:
    """Channels in another order, as threads, processors and libraries may add them up."""
    z, scales = random_z(packaged, 9, 12, 8.0), packaged.exact
    whole = scales.indices(z, 1000)
    rng = np.random.default_rng(1)
    for _ in range(3):
        inputs, hidden = rng.permutation(len(z)), rng.permutation(len(scales.bias1))
        conv2 = scales.conv2.reshape(len(hidden), len(hidden), 9)[:, hidden].reshape(len(hidden), -1)
        other = widened(
            scales,
            conv1=scales.conv1[hidden][:, inputs],
            bias1=scales.bias1[hidden],
            conv2=conv2[hidden],
            bias2=scales.bias2[hidden],
            conv3=scales.conv3[:, hidden],
            linear=scales.linear[:, inputs],
        )
        assert np.array_equal(other.indices(z[inputs], 1000), whole)


@pytest.mark.parametrize("chunk", [1, 5, 16, 33])
def test_chunks_do_not_matter(tiny: Weights, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    z = random_z(tiny, 9, 11, 4.0)
    whole = tiny.exact.indices(z, 400)
    monkeypatch.setattr(exact, "_CHUNK_CELLS", chunk)
    assert np.array_equal(tiny.exact.indices(z, 400), whole)
    assert np.array_equal(whole, reference(tiny.exact, z, 400))


def test_released_weights_need_the_exact_path(packaged: Weights) -> None:
    """A million elements in which float32 goes wrong somewhere, and the exact path nowhere."""
    rng = np.random.default_rng(8)
    position = 256 * (packaged.config.points - 1) - 77
    sigma = np.minimum(OperatingPoint(packaged, position).hyper_bounds / 9, 30)
    side = 1 + int((10**6 / packaged.config.latent / 16) ** 0.5)
    z = np.round(rng.normal(0, 1, (packaged.config.hyper, side, side)) * sigma[:, None, None]).astype(np.int16)
    expected = reference(packaged.exact, z, position)
    assert expected.size >= 10**6
    assert np.array_equal(packaged.exact.indices(z, position), expected)
    twin = float_twin(packaged.exact, z, position)
    assert 0 < (twin != expected).mean() < 0.01


def widened(scales: ExactScales, **fields: NDArray[np.integer[Any]]) -> ExactScales:
    return replace(scales, **fields)  # type: ignore[arg-type]


def test_bound_is_checked(tiny: Weights) -> None:
    scales = tiny.exact
    room = 2**53 - 1
    with pytest.raises(ModelError, match="exact"):
        widened(scales, bias1=np.full_like(scales.bias1, room))
    with pytest.raises(ModelError, match="exact"):
        widened(scales, bias2=np.full_like(scales.bias2, -room))
    with pytest.raises(ModelError, match="exact"):
        widened(scales, bias3=np.full_like(scales.bias3, room))
    with pytest.raises(ModelError, match="exact"):
        widened(scales, quality_bias=np.full_like(scales.quality_bias, 2**45))
    with pytest.raises(ModelError, match="exact"):
        replace(scales, hyper_bound=2**40)
    with pytest.raises(ModelError, match="exact"):
        replace(scales, shifts=(*scales.shifts[:2], 40, scales.shifts[3]))


def test_bound_is_tight(tiny: Weights) -> None:
    """The largest bias that fits is accepted, one more is not, and the accepted one is still exact."""
    scales = tiny.exact
    reach = int(np.abs(scales.conv1.astype(np.int64)).sum(1).max()) * scales.hyper_bound
    largest = 2**53 - 1 - reach
    accepted = widened(scales, bias1=np.full_like(scales.bias1, largest))
    z = random_z(tiny, 3, 3, None)
    assert np.array_equal(accepted.indices(z, 10), reference(accepted, z, 10))
    with pytest.raises(ModelError):
        widened(scales, bias1=np.full_like(scales.bias1, largest + 1))


@pytest.mark.parametrize("least", [np.iinfo(np.int64).min, -(2**62)])
@pytest.mark.parametrize("name", ["bias1", "bias2", "bias3", "quality_bias"])
def test_bound_does_not_overflow(tiny: Weights, name: str, least: int) -> None:
    with pytest.raises(ModelError):
        widened(tiny.exact, **{name: np.full_like(getattr(tiny.exact, name), least)})


@pytest.mark.parametrize("name", ["conv1", "conv2", "conv3", "linear"])
@pytest.mark.parametrize("wrong", ["fractions", "sums that wrap around"])
def test_types_are_checked(tiny: Weights, name: str, wrong: str) -> None:
    weight = getattr(tiny.exact, name)
    other = weight + 0.25 if wrong == "fractions" else np.full_like(weight, 2**62, dtype=np.int64)
    with pytest.raises(ModelError):
        widened(tiny.exact, **{name: other})


@pytest.mark.parametrize("name", ["conv1", "bias1", "conv2", "bias2", "conv3", "linear", "bias3", "quality_bias"])
def test_shapes_are_checked(tiny: Weights, name: str) -> None:
    with pytest.raises(ModelError):
        widened(tiny.exact, **{name: getattr(tiny.exact, name)[..., :-1]})


@pytest.mark.parametrize("shifts", [(-1, 0, 0, 0), (0, 41, 0, 0), (0, 0, 0, 64)])
def test_shifts_are_checked(tiny: Weights, shifts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ModelError):
        replace(tiny.exact, shifts=shifts)
