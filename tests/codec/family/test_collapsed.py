"""Collapsed autoencoder: the penalty is the Jacobian's norm and has its effect, and p(x) agrees with known values."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from aez.codec.family.collapsed import CollapsedAutoencoder, PlainAutoencoder, jacobian
from aez.codec.family.likelihood import log_likelihood
from aez.codec.family.members import load_family

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def patches(crops_of: Callable[[int, int], Callable[[], Tensor]]) -> Tensor:
    return crops_of(32, 24)()


def test_the_penalty_is_the_squared_norm_of_the_jacobian(patches: Tensor) -> None:
    torch.manual_seed(0)
    model = CollapsedAutoencoder(code=6, width=8)
    model.scale.eval()  # in training, the code of a patch depends on the other patches of the batch
    exact = float(jacobian(model, patches).detach().square().sum((1, 2)).mean())
    drawn = [float(model.loss(patches.clone())["slope"].detach()) for _ in range(200)]
    assert sum(drawn) / 200 == pytest.approx(exact, rel=0.1)


def test_the_penalty_is_in_the_loss(patches: Tensor) -> None:
    torch.manual_seed(0)
    model = CollapsedAutoencoder(code=6, width=8)
    parts = model.loss(patches.clone())
    expected = float(parts["mse"] + model.CONTRACTION * parts["slope"])
    assert float(parts["loss"].detach()) == pytest.approx(expected)
    parts["loss"].backward()
    plain = PlainAutoencoder(code=6, width=8)
    plain.load_state_dict(model.state_dict())
    plain.loss(patches.clone())["loss"].backward()
    collapsed, free = model.linear_in.weight.grad, plain.linear_in.weight.grad
    assert collapsed is not None and free is not None and not torch.allclose(collapsed, free, rtol=0.05)


def test_what_the_penalty_buys(patches: Tensor) -> None:
    """Noise moves the code less than in the same network trained without the penalty."""
    torch.manual_seed(0)
    noisy = patches + 0.05 * torch.randn_like(patches)
    moved, slope = {}, {}
    for name in ("collapsed", "plain"):
        model = load_family(name)
        assert isinstance(model, PlainAutoencoder)
        with torch.inference_mode():
            moved[name] = float((model.encode(noisy) - model.encode(patches)).square().mean())
        slope[name] = float(jacobian(model, patches[:4]).square().sum((1, 2)).mean())
    assert moved["collapsed"] < 0.7 * moved["plain"]
    assert slope["collapsed"] < 0.7 * slope["plain"]


class Linear(PlainAutoencoder):
    """For x = W·z + b + noise, p(x) is known."""

    def __init__(self) -> None:
        super().__init__(code=5, width=8)
        self.weight = torch.randn(3 * 32 * 32, 5) * 0.05
        self.noise.fill_(0.1)

    def encode(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight * 0.01  # far from the maximum, so that the steps must find it

    def decode(self, code: Tensor) -> Tensor:
        return (code @ self.weight.T).reshape(-1, 3, 32, 32)


def test_likelihood_is_exact_for_a_linear_model() -> None:
    torch.manual_seed(0)
    model = Linear().eval()
    root = torch.randn(5, 5) * 0.3 + torch.eye(5)
    model.prior_mean.copy_(torch.randn(5))
    model.prior_covariance.copy_(root @ root.T)
    z = model.prior_mean + torch.randn(3, 5) @ root.T
    x = model.decode(z) + 0.1 * torch.randn(3, 3, 32, 32)
    found, effective = log_likelihood(model, x, samples=512)
    weight = model.weight.double()
    covariance = weight @ model.prior_covariance.double() @ weight.T + 0.01 * torch.eye(3072, dtype=torch.float64)
    exact = torch.distributions.MultivariateNormal(weight @ model.prior_mean.double(), covariance)
    assert torch.allclose(found, exact.log_prob(x.flatten(1).double()), atol=0.05)
    assert (effective > 200).all()


def test_likelihood_tells_photographs_from_noise(patches: Tensor) -> None:
    model = load_family("collapsed")
    assert isinstance(model, PlainAutoencoder)
    dither = (torch.rand_like(patches[:4]) - 0.5) / 255
    likely, _ = log_likelihood(model, patches[:4] + dither, samples=64)
    shuffled = patches[:4].flatten(2)[:, :, torch.randperm(1024)].reshape(4, 3, 32, 32)
    unlikely, _ = log_likelihood(model, shuffled + dither, samples=64)
    assert (likely > unlikely + math.log(10)).all()
