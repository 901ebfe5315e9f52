"""What training minimises."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.codec.ms_ssim import ms_ssim
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.quality import lambda_of
from aez.codec.training.flagship import drawn_positions
from aez.codec.training.objective import RateDistortion


def test_ms_ssim_is_what_its_model_minimises(model: HyperpriorModel, photo: NDArray[np.uint8]) -> None:
    x = torch.from_numpy(photo[:192, :192].copy()).permute(2, 0, 1)[None].float() / 255 - 0.5
    position = torch.tensor([1.0])
    by_error, decoded = RateDistortion(model).eval().evaluate(x, position)
    outcome, _ = RateDistortion(model, "ms-ssim").eval().evaluate(x, position)
    weight = lambda_of(position, model.config.points)
    similarity = ms_ssim((x + 0.5) * 255, (decoded + 0.5) * 255)
    distortion = 1250 / 255**2 * (1 - similarity) + 0.1 * by_error.mse
    assert torch.allclose(outcome.loss, (outcome.bpp + weight * distortion) / weight**0.4, rtol=1e-5)
    outcome.loss.backward()
    slope = model.analysis.linear.weight.grad
    assert slope is not None and bool(slope.isfinite().all()) and float(slope.abs().max()) > 0
    with pytest.raises(ValueError, match="distortion"):
        RateDistortion(model, "lpips")


def test_flat_pictures_have_a_finite_slope(model: HyperpriorModel) -> None:
    objective = RateDistortion(model, "ms-ssim").train()
    objective(torch.zeros(1, 3, 192, 192), torch.tensor([0.0])).backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())


def test_normalisation_divides_by_a_power_of_lambda(model: HyperpriorModel, photo: NDArray[np.uint8]) -> None:
    x = torch.from_numpy(photo[:64, :64].copy()).permute(2, 0, 1)[None].float() / 255 - 0.5
    position = torch.tensor([2.0])
    losses = [RateDistortion(model, normalisation=n).eval().evaluate(x, position)[0].loss for n in (0.0, 0.7)]
    assert torch.allclose(losses[0], losses[1] * lambda_of(position, model.config.points) ** 0.7, rtol=1e-5)


def test_drawn_positions_cover_the_range() -> None:
    drawn = torch.stack([drawn_positions(8, 16, torch.device("cpu")) for _ in range(50)])
    assert bool(((drawn / 15 * 8).long() == torch.arange(8)).all())
    assert float(drawn.std(0).min()) > 0.3  # of 0.54
