"""The objective of training."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.codec.encoding.quantise import Quantiser
from aez.codec.model.scales import LEVELS, ladder
from aez.codec.model.weightfile import Weights
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.loading import training_model
from aez.codec.networks.perception import perceptual_loss
from aez.codec.networks.quality import lambda_of
from aez.codec.training.flagship import drawn_positions
from aez.codec.training.objective import RateDistortion

pytestmark = pytest.mark.torch


def test_training_minimises_the_perceptual_loss(model: HyperpriorModel, photo: NDArray[np.uint8]) -> None:
    x = torch.from_numpy(photo[:192, :192].copy()).permute(2, 0, 1)[None].float() / 255 - 0.5
    position = torch.tensor([1.0])
    outcome, decoded = RateDistortion(model, "perceptual").eval().evaluate(x, position)
    weight = lambda_of(position, model.config.points)
    distortion = perceptual_loss(x, decoded)
    assert torch.allclose(outcome.loss, (outcome.bpp + weight * distortion) / weight**0.4, rtol=1e-4)
    outcome.loss.backward()
    slope = model.analysis.linear.weight.grad
    assert slope is not None and bool(slope.isfinite().all()) and float(slope.abs().max()) > 0


def test_other_distortions_are_refused(model: HyperpriorModel) -> None:
    with pytest.raises(ValueError, match="distortion must be one of mse, perceptual, not 'lpips'"):
        RateDistortion(model, "lpips")


def test_flat_pictures_have_a_finite_slope(model: HyperpriorModel) -> None:
    objective = RateDistortion(model, "perceptual").train()
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


def test_other_symbols_are_refused(model: HyperpriorModel) -> None:
    with pytest.raises(ValueError, match="symbols must be one of noisy, rounded, chosen, mixed, not 'soft'"):
        RateDistortion(model).evaluate(torch.zeros(1, 3, 64, 64), torch.tensor([1.0]), "soft")


def test_chosen_symbols_cost_less_together(packaged: Weights, photo: NDArray[np.uint8]) -> None:
    model = training_model(packaged)
    x = torch.from_numpy(photo[:192, :192].copy()).permute(2, 0, 1)[None].float() / 255 - 0.5
    objective, position = RateDistortion(model).eval(), torch.tensor([9.0])
    rounded, chosen = (objective.evaluate(x, position, symbols)[0] for symbols in ("rounded", "chosen"))
    assert bool(chosen.bpp < 0.99 * rounded.bpp) and bool(chosen.mse > rounded.mse) and bool(chosen.loss < rounded.loss)
    chosen.loss.sum().backward()
    slope = model.analysis.linear.weight.grad
    assert slope is not None and bool(slope.isfinite().all()) and float(slope.abs().max()) > 0
    with torch.no_grad():
        assert float(objective.train()(x, position, "chosen")) == pytest.approx(float(chosen.loss), rel=0.05)


def test_mixed_symbols_are_rounded_and_chosen_in_turn(packaged: Weights, photo: NDArray[np.uint8]) -> None:
    objective = RateDistortion(training_model(packaged)).eval()
    x = torch.from_numpy(photo[:128, :128].copy()).permute(2, 0, 1)[None].float().repeat(3, 1, 1, 1) / 255 - 0.5
    position = torch.full((3,), 9.0)
    with torch.no_grad():
        rounded, chosen, mixed = (objective.evaluate(x, position, how)[0].bpp for how in ("rounded", "chosen", "mixed"))
    assert bool((mixed - torch.stack([rounded[0], chosen[1], rounded[2]])).abs().max() < 1e-5)
    assert bool(chosen[1] < 0.99 * rounded[1])


def test_chosen_symbols_are_the_encoders(tiny: Weights, model: HyperpriorModel) -> None:
    """The rule of training against the encoder's, whose bits come from the tables."""
    generator = torch.Generator().manual_seed(3)
    indices = torch.randint(0, LEVELS, (320, 24, 24), generator=generator)[: tiny.config.latent]
    scale = torch.tensor(ladder())[indices]
    values = scale * torch.randn(scale.shape, generator=generator)
    worth = torch.full((tiny.config.latent,), 1.5)
    strength = torch.ones(1)
    quantiser = Quantiser(tiny.first_coded, tiny.residual_tables, worth.numpy(), 1.0)
    encoder = torch.from_numpy(quantiser(values.numpy(), indices.to(torch.uint8).numpy()))
    training = RateDistortion(model)._chosen(values[None], scale[None], worth[None, :, None, None], strength)[0].round()
    coded = (indices >= tiny.first_coded) & (indices < 40)
    assert float((training == encoder)[coded].float().mean()) > 0.99
    assert float((values.round() == encoder)[coded].float().mean()) < 0.9
