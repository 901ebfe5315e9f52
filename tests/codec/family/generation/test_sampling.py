import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.bitstream import ModelError
from aez.codec.codec import Codec
from aez.codec.family.generation.copula import CELLS, PREFIX, QUINCUNX, Copula, channels_of, read_copulas
from aez.codec.family.generation.sampling import Draws, Recipe, sampled, sampled_file
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.networks.loading import training_model
from aez.codec.training.fits.copula import CopulaFit

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def neighbourly(tiny: Weights, photo: Photo) -> Weights:
    pieces = [torch.from_numpy(photo[i:, i:].copy()).permute(2, 0, 1) for i in (0, 40, 90)]
    return CopulaFit().apply(tiny, pieces)


def plain(codec: Codec, quality: float = 60, temperature: float = 1.0) -> Recipe:
    return Recipe(codec.quality_scale.position_of(quality), temperature)


def test_draws_are_pinned() -> None:
    """The raw stream of PCG64 for a seed is the same in every version of NumPy."""
    assert Draws(7, 3)(4).tolist() == [16358348, 14840575, 3891818, 12268547]
    draws = Draws(0)(100_000)
    assert draws.min() >= 0 and draws.max() < 2**24
    assert draws.mean() == pytest.approx(2**23, rel=0.01)
    with pytest.raises(ValueError, match="negative"):
        Draws(-1)


def test_symbols_follow_their_tables(codec: Codec) -> None:
    """Sampled symbols have the frequencies of their tables, and their cost is the entropy."""
    weights = codec.weights
    symbols = sampled(codec, 1024, 1024, Draws(1), plain(codec))
    indices = OperatingPoint(weights, codec.quality_scale.position_of(60)).hyper_indices
    for channel in (0, 5):
        counts = weights.hyper_tables.counts[indices[channel]] / 2**24
        bound = int(weights.hyper_tables.bounds[indices[channel]])
        found = np.bincount(symbols.z[channel].ravel() + bound, minlength=len(counts)) / symbols.z[channel].size
        assert np.abs(found - counts).max() < 0.1
    coded = symbols.indices >= weights.first_coded
    assert (symbols.r[~coded] == 0).all()
    table = int(np.bincount(symbols.indices[coded]).argmax())
    r = symbols.r[symbols.indices == table]
    counts, bound = weights.residual_tables.counts[table] / 2**24, int(weights.residual_tables.bounds[table])
    found = np.bincount(r + bound, minlength=2 * bound + 1) / r.size
    assert np.abs(found - counts[:-1]).max() < 5 / np.sqrt(r.size)


def test_seeds(codec: Codec) -> None:
    def drawn(*seed: int) -> bytes:
        return sampled_file(codec, 100, 70, Draws(*seed), plain(codec))

    assert drawn(4) == drawn(4) == drawn(4, 0)
    assert len({drawn(4), drawn(5), drawn(4, 1)}) == 3
    picture = codec.decode_array(drawn(4))
    assert picture.shape == (70, 100, 3) and picture.std() > 5


def test_a_seed_is_the_same_on_every_machine(codec: Codec) -> None:
    symbols = sampled(codec, 130, 100, Draws(11), plain(codec))
    digest = hashlib.sha256(symbols.z.astype("<i2").tobytes() + symbols.r.astype("<i2").tobytes()).hexdigest()
    assert digest == "22b9712dd8885be28c4df804749ea3aedf1562e0c1566a58558e47eef22f7a53"


def test_temperature(codec: Codec) -> None:
    cold, cool, warm = (
        np.abs(sampled(codec, 256, 256, Draws(2), plain(codec, temperature=t)).r).mean() for t in (0, 0.5, 1)
    )
    assert cold == 0 and 0.3 * warm < cool < 0.65 * warm
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="temperature"):
            sampled(codec, 64, 64, Draws(0), plain(codec, temperature=bad))


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (70_000, 1), (10_000, 10_000)])
def test_sizes_out_of_range(codec: Codec, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot draw"):
        sampled_file(codec, *size, Draws(0), plain(codec))


def regular(neighbours: object, strength: float) -> Copula:
    """Build a copula of two channels: ``strength`` times the first neighbour, plus noise to a variance of 1."""
    regression = np.zeros((2, 6))
    regression[0, 0] = regression[1, 1] = strength
    return Copula.rounded(
        neighbours,  # type: ignore[arg-type]
        regression,
        np.zeros(2),
        np.sqrt(1 - strength**2) * np.eye(2),
    )


def test_neighbours_in_cells() -> None:
    """Places follow the autoregression, and each place by itself is uniform."""
    u = regular(CELLS, 0.8).uniform(60, 80, Draws(3)) / 2**24
    assert u.shape == (2, 60, 80)
    assert np.corrcoef(u[0, :, 1:].ravel(), u[0, :, :-1].ravel())[0, 1] == pytest.approx(0.79, abs=0.05)
    assert abs(np.corrcoef(u[0, 1:].ravel(), u[0, :-1].ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(u[0].ravel(), u[1].ravel())[0, 1]) < 0.1
    shares = np.histogram(u, 10, (0, 1))[0] / u.size
    assert np.abs(shares - 0.1).max() < 0.02


def test_neighbours_on_the_quincunx() -> None:
    u = regular(QUINCUNX, 0.8).uniform(60, 80, Draws(3)) / 2**24
    even = np.indices((60, 80)).sum(0) % 2 == 0
    assert (u[:, ~even] == 0).all() and (u[:, even] > 0).all()
    left, right = u[0, ::2, :-2:2], u[0, ::2, 2::2]
    assert np.corrcoef(left.ravel(), right.ravel())[0, 1] == pytest.approx(0.79, abs=0.05)


def test_what_is_measured_is_drawn(codec: Codec, neighbourly: Weights) -> None:
    """With copulas, neighbours are similar and the tables stay the same."""
    better = Codec(neighbourly, "cpu", "float32")

    def likeness(one: Codec, *, independent: bool) -> float:
        found = []
        for number in range(4):
            recipe = Recipe(one.quality_scale.position_of(60), independent=independent)
            r = sampled(one, 512, 512, Draws(5, number), recipe).r[0].astype(float)
            signs = np.sign(r)
            even = np.indices(r.shape).sum(0) % 2 == 0
            pairs = [(signs[1:, 1:], signs[:-1, :-1], even[1:, 1:]), (signs[1:, :-1], signs[:-1, 1:], even[1:, :-1])]
            found += [float((a * b)[kept].mean()) for a, b, kept in pairs]
        return float(np.mean(found))

    alone = likeness(better, independent=True)
    assert likeness(better, independent=False) > alone + 0.1
    assert likeness(codec, independent=False) == pytest.approx(alone, abs=1e-9), "a model without it draws alone"


def test_files_do_not_change(tiny: Weights, neighbourly: Weights, photo: Photo) -> None:
    assert neighbourly.fingerprint == tiny.fingerprint
    picture = photo[:70, :90]
    assert Codec(neighbourly, "cpu", "float32").encode(picture, 40) == Codec(tiny, "cpu", "float32").encode(picture, 40)
    training_model(neighbourly)


def test_copulas_are_kept_in_weights_files(neighbourly: Weights) -> None:
    kept = read_copulas(parse_weights(serialise_weights(neighbourly)))
    for name, (neighbours, channels) in channels_of(neighbourly).items():
        assert kept[name].neighbours is neighbours
        assert kept[name].regression.shape == (channels, 3 * channels)
        assert np.abs(kept[name].regression).max() > 100
    damaged = {k: v[:-1] if k == f"{PREFIX}r_offset" else v for k, v in neighbourly.tensors.items()}
    with pytest.raises(ModelError, match="neighbouring"):
        read_copulas(replace(neighbourly, tensors=damaged))
