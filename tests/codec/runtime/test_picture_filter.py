"""The filter by its definition in SPEC 7.6, pixel by pixel, and sums that foretell what weights are worth."""

import importlib
import math
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.model.filter_weights import NODES, Moments, weight_shape
from aez.codec.runtime.picture_filter import EVERY

Photo = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Filter:
    """The filter of one runtime, on NumPy arrays."""

    def __init__(self, runtime: str) -> None:
        self.module = importlib.import_module(f"aez.codec.runtime.{runtime}.picture_filter")
        self.of: Any = importlib.import_module("torch").from_numpy if runtime == "torch" else np.asarray

    def filtered(self, levels: Floats, weights: Floats) -> Floats:
        return np.asarray(self.module.filtered(self.of(levels), self.of(weights)))

    def moments(self, levels: Floats, top: int, left: int, original: Photo) -> Moments:
        sums: Moments = self.module.moments(self.of(levels), top, left, original)
        return sums


@pytest.fixture(scope="module")
def of(runtime: str) -> Filter:
    return Filter(runtime)


def some_weights(channels: int, size: float) -> Floats:
    return np.random.default_rng(1).normal(0, size, weight_shape(channels)).astype(np.float32)


def no_weights(channels: int) -> Floats:
    return np.zeros(weight_shape(channels), np.float32)


def flat(side: int, channels: int, level: float) -> Floats:
    return np.full((side, side, channels), level, np.float32)


AXES = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))


def by_definition(levels: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Loops over pixels, nodes, axes and channels."""
    height, width, channels = levels.shape
    out = np.zeros(levels.shape)

    def at(row: int, column: int) -> NDArray[np.float64]:
        return levels[min(max(row, 0), height - 1), min(max(column, 0), width - 1)].astype(np.float64)

    def change(axis: int, row: int, column: int) -> float:
        # Beyond the picture its edge is repeated, not what is computed from it.
        (i, j), here = AXES[axis], at(row, column).mean()
        return abs(at(row + i, column + j).mean() - here) + abs(at(row - i, column - j).mean() - here)

    for row in range(height):
        for column in range(width):
            here = at(row, column)
            pairs = [(at(row + i, column + j) - here, at(row - i, column - j) - here) for i, j in AXES]
            second = [(a + b).mean() for a, b in pairs]
            sums = [sum(change(k, row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)) for k in range(4)]
            inputs = []
            for first, busy in ((0, 0), (2, 2), (4, 0)):
                low, high = (sums[busy] + 2.7) ** 2, (sums[busy + 1] + 2.7) ** 2
                share = low / (low + high)
                inputs.append((1 - share) * second[first] + share * second[first + 1])
                inputs.append(share * second[first] + (1 - share) * second[first + 1])
            inputs.extend(sum(np.clip(a, -10, 10) + np.clip(b, -10, 10) for a, b in pairs))
            if channels == 3:
                inputs.extend((sum(a + b for a, b in pairs[:2]))[[0, 2]])
            place = min(max(math.log2(1 + (sums[0] + sums[1]) / 36) - 0.5, 0), NODES - 1)
            moved = np.zeros(channels)
            for node in range(NODES):
                moved += max(0.0, 1 - abs(place - node)) * (weights[:, node] @ np.array(inputs))
            out[row, column] = np.clip(here + moved, 0, 255)
    return out


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(7, 9), (1, 1), (1, 6), (5, 2)])
def test_it_is_what_the_specification_says(
    of: Filter, photo: Photo, monkeypatch: pytest.MonkeyPatch, channels: int, size: tuple[int, int]
) -> None:
    levels = photo[20 : 20 + size[0], 200 : 200 + size[1], :channels].astype(np.float32)
    weights = some_weights(channels, 0.1)
    want = by_definition(levels, weights)
    assert np.allclose(of.filtered(levels, weights), want, atol=2e-3)
    monkeypatch.setattr(of.module, "_STRIP", 2 * size[1])
    assert np.allclose(of.filtered(levels, weights), want, atol=2e-3)


def test_without_weights_nothing_changes(of: Filter, photo: Photo) -> None:
    levels = photo[:40, :50].astype(np.float32)
    assert np.array_equal(of.filtered(levels, no_weights(3)), levels)


def test_activity_counts(of: Filter) -> None:
    """Weights of the calmest node change flat places, those of the busiest do not."""
    calm, busy = no_weights(3), no_weights(3)
    calm[:, 0], busy[:, -1] = 0.1, 0.1
    levels = flat(20, 3, 100)
    levels[10, 10] = 100.4
    assert (of.filtered(levels, calm) != levels).any()
    assert np.array_equal(of.filtered(levels, busy), levels)


@pytest.mark.parametrize("place", [(0, 0), (9, 14), (31, 0)])
def test_moments_foretell_the_error(
    of: Filter, photo: Photo, monkeypatch: pytest.MonkeyPatch, place: tuple[int, int]
) -> None:
    monkeypatch.setattr(of.module, "_STRIP", 400)
    top, left = place
    want = photo[100:160, 200:290]
    noise = np.random.default_rng(0).normal(0, 4, want.shape)
    levels = (want * 0.8 + 20 + noise).astype(np.float32)  # nothing is near the ends
    part = want[top : top + 25, left : left + 60]
    sums = of.moments(levels, top, left, part)
    assert sums.pixels == math.ceil(part.shape[0] / EVERY) * part.shape[1]
    weights = some_weights(3, 0.02)
    rows, columns = slice(top, top + part.shape[0], EVERY), slice(left, left + part.shape[1])

    def error(decoded: Floats) -> float:
        return float(np.square(part[::EVERY] - decoded[rows, columns].astype(np.float64)).sum())

    fall = error(levels) - error(of.filtered(levels, weights))
    assert sums.error == pytest.approx(error(levels), rel=1e-5)
    assert sums.gain(weights.reshape(3, -1).T.astype(np.float64)) == pytest.approx(fall, rel=1e-3)


def test_what_will_be_clipped_to_the_original_is_no_error(of: Filter) -> None:
    want = np.zeros((31, 42, 3), np.uint8)
    want[:, 20:] = 255
    levels = np.where(want == 0, np.float32(-30), np.float32(300))
    levels[::2, 3] = 7
    sums = of.moments(levels, 0, 0, want)
    assert sums.error == pytest.approx(3 * 16 * 7**2)
    assert of.moments(255 - levels, 0, 0, 255 - want).error == pytest.approx(3 * 16 * 7**2)
    assert of.moments(levels, 0, 0, np.full_like(want, 128)).error > 1e7


def test_sums_of_parts_add_up(of: Filter, photo: Photo) -> None:
    levels = photo[:64, :64].astype(np.float32) + 1
    whole, left = of.moments(levels, 0, 0, photo[:64, :64]), of.moments(levels, 0, 0, photo[:64, :30])
    left.include(of.moments(levels, 0, 30, photo[:64, 30:64]))
    assert (left.pixels, left.error) == (whole.pixels, pytest.approx(whole.error))
    assert np.allclose(left.square, whole.square, rtol=1e-4, atol=1e-2)
    assert np.allclose(left.product, whole.product, rtol=1e-4, atol=1e-1)


def test_edges_lead(of: Filter) -> None:
    """Weights along an edge smooth it and leave it sharp; those across do the opposite."""
    levels = flat(24, 1, 60)
    levels[:, 12:] = 180.0
    levels[8, 6] += 9
    along, across = no_weights(1), no_weights(1)
    along[..., 0], across[..., 1] = 0.1, 0.1
    smooth, blurred = of.filtered(levels, along), of.filtered(levels, across)
    assert np.abs(smooth - levels)[16:20].max() < 1 < 8 < np.abs(blurred - levels)[16:20].max()
    turned = of.filtered(np.ascontiguousarray(levels.transpose(1, 0, 2)), along).transpose(1, 0, 2)
    assert np.allclose(turned, smooth, atol=1e-3)


def test_limited_differences_spare_edges(of: Filter) -> None:
    levels = flat(12, 1, 60)
    levels[:, 6:] = 180.0
    levels[6, 2] = 64.0
    weights = no_weights(1)
    weights[..., -1] = 1 / 12
    out = of.filtered(levels, weights)
    assert float(out[6, 2, 0]) == pytest.approx(60, abs=0.1)
    assert np.abs(out - levels)[:, 5:7].max() < 5


def test_pictures_that_may_not_be_written_to_give_no_warning(of: Filter, photo: Photo) -> None:
    want = photo[:1, :64].copy()
    want.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        of.moments(photo[:1, :64].astype(np.float32), 0, 0, want)
