import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from aez.bitstream import ModelError
from aez.codec.model.scales import LEVELS, LEVELS_PER_NAT, LOG_SCALE_MIN, ladder
from aez.codec.model.weightfile import Weights
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.loading import training_model
from aez.codec.training.checkpoints.start import start_from_data
from aez.codec.training.export import (
    export_weights,
    gaussian_masses,
    hyper_tables,
    integer_counts,
    residual_tables,
)
from aez.codec.training.objective import RateDistortion

pytestmark = pytest.mark.torch


def phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


@pytest.mark.parametrize("sigma", [0.11, 1.0, 30.0])
def test_masses_are_those_of_a_gaussian(sigma: float) -> None:
    masses = gaussian_masses(sigma, 9)
    expected = [phi((k + 0.5) / sigma) - phi((k - 0.5) / sigma) for k in range(-9, 10)]
    assert masses == pytest.approx(expected, abs=1e-12)
    assert np.array_equal(masses, masses[::-1])


def test_counts_sum_exactly() -> None:
    counts = integer_counts(np.array([1e-12, 0.3, 0.7, 1e-12]))
    assert counts.sum() == 2**24
    assert counts.min() == 1
    assert counts[1] == round(0.3 * 2**24)


def test_tables_follow_the_ladder() -> None:
    for sigma, residual, hyper in zip(ladder(), residual_tables(), hyper_tables(), strict=True):
        assert residual.sum() == hyper.sum() == 2**24
        assert len(residual) % 2 == 0
        assert len(hyper) % 2 == 1
        for table, bound in ((residual[:-1], len(residual) // 2 - 1), (hyper, len(hyper) // 2)):
            masses = gaussian_masses(sigma, bound)
            # Every count of 1 that stands for less is taken from the largest.
            slack = len(table) + 1
            assert np.abs(table - 2**24 * masses / (masses.sum() if table is hyper else 1)).max() <= slack
        outside = 2 * phi(-(len(residual) // 2 - 0.5) / sigma)
        assert residual[-1] == max(1, round(outside * 2**24))


@pytest.mark.parametrize("position", [0, 256, 300, 700, 768])
def test_exact_indices_follow_the_float_twin(tiny: Weights, model: HyperpriorModel, position: int) -> None:
    z = np.random.default_rng(position).integers(-6, 7, (tiny.config.hyper, 8, 9)).astype(np.int16)
    with torch.inference_mode():
        log_scale = model.log_scale(torch.from_numpy(z).float()[None], torch.tensor([position / 256]))[0]
    twin = ((log_scale - LOG_SCALE_MIN) * LEVELS_PER_NAT).round().clamp(0, LEVELS - 1).numpy()
    exact = export_weights(model, "again", {}).exact.indices(z, position)
    assert (twin == exact).mean() >= 0.99
    assert np.abs(twin - exact).max() <= 1
    assert len(np.unique(exact)) > 10


@pytest.mark.parametrize("name", ["scale.conv2.weight", "scale.conv3.bias", "scale_bias.rows", "synthesis.tail.bias"])
def test_weights_that_are_not_finite_are_refused(model: HyperpriorModel, name: str) -> None:
    with torch.no_grad():
        model.state_dict()[name].view(-1)[0] = math.nan
    with pytest.raises(ModelError):
        export_weights(model, "bad", {})


def test_weights_beyond_the_exact_bound_are_refused(model: HyperpriorModel) -> None:
    with torch.no_grad():
        model.scale.conv3.bias.fill_(1e12)  # type: ignore[union-attr]
    with pytest.raises(ModelError):
        export_weights(model, "bad", {})


def test_start_beats_the_untrained_model(tiny: Weights, pictures: list[torch.Tensor]) -> None:
    torch.manual_seed(0)
    model = HyperpriorModel(tiny.config)
    crops = torch.stack([p[:, :64, j : j + 64] for p in pictures for j in (0, 30, 60)]).float() / 255 - 0.5
    position = torch.full((len(crops),), 2.0)
    with torch.inference_mode():
        before = float(RateDistortion(model).eval()(crops, position))
    start_from_data(model, [crops])
    with torch.inference_mode():
        assert float(RateDistortion(model).eval()(crops, position)) < before


def test_large_matrices_of_the_context_have_eight_bits(tiny: Weights) -> None:
    torch.manual_seed(0)
    model = HyperpriorModel(replace(tiny.config, context=80))
    weights = export_weights(model, "large", {})
    name = "context.blocks.0.expand.weight"
    assert weights.tensors[name].dtype == np.int8
    step = weights.tensors[f"{name}#step"].astype(np.float32)[:, None, None, None]
    want = model.state_dict()[name].numpy()
    assert np.abs(weights.tensors[name] * step - want).max() <= 0.51 * step.max()
    assert training_model(weights).config.context == 80
