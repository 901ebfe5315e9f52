"""The β-VAE's bound, its prior as an entropy model, and its samples."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from aez.codec import api
from aez.codec.family.members import load_family
from aez.codec.family.vae import OBSERVATION_SIGMA, VariationalAutoencoder

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def vae() -> VariationalAutoencoder:
    model = load_family("vae")
    assert isinstance(model, VariationalAutoencoder)
    return model


@pytest.fixture(scope="module")
def patches(crops_of: Callable[[int, int], Callable[[], Tensor]]) -> Tensor:
    return crops_of(64, 16)()


def test_terms_are_those_of_the_distributions(patches: Tensor) -> None:
    torch.manual_seed(0)
    model = VariationalAutoencoder(channels=6, width=8, points=3)
    position, noise = torch.rand(16) * 2, torch.randn(16, 6, 1, 1)
    surprise, divergence, rendered = model.terms(patches, position, noise)
    mean, log_sigma = model.posterior(patches, position)
    posterior, prior = Normal(mean, log_sigma.exp()), Normal(torch.zeros(()), torch.ones(()))
    assert torch.allclose(divergence, kl_divergence(posterior, prior).sum((1, 2, 3)), rtol=1e-4)
    assert (divergence > 0).all()
    expected = -Normal(rendered, OBSERVATION_SIGMA).log_prob(patches).sum((1, 2, 3))
    assert torch.allclose(surprise, expected, rtol=1e-4)


def test_the_loss_pays_for_information(patches: Tensor) -> None:
    """With the wrong sign of KL, training would maximise the information."""
    torch.manual_seed(0)
    model = VariationalAutoencoder(channels=6, width=8, points=3)
    parts = model.loss(torch.nn.functional.interpolate(patches, scale_factor=2))
    (slope,) = torch.autograd.grad(parts["loss"], model.scale_bias.rows)
    # A wider posterior carries less information: where reconstruction hardly matters, it must lower the loss.
    with torch.no_grad():
        model.wide.weight.zero_()
    _, divergence, _ = model.terms(patches, torch.zeros(16))
    (toward,) = torch.autograd.grad(divergence.sum(), model.scale_bias.rows)
    assert slope.shape == toward.shape and float(toward[0].sum()) < 0


def test_beta_trades_rate_for_distortion(vae: VariationalAutoencoder, patches: Tensor) -> None:
    rows = []
    for point in (0.0, 3.5, 7.0):
        _, divergence, rendered = vae.terms(patches, torch.full((16,), point), torch.zeros(16, vae.channels, 1, 1))
        rows.append(
            (
                float(vae.beta(torch.tensor(point))),
                float(divergence.mean()),
                float((rendered - patches).square().mean()),
            )
        )
    beta, rate, error = zip(*rows, strict=True)
    assert beta[0] > beta[1] > beta[2]
    assert rate[0] < 0.75 * rate[1] and rate[1] < 0.9 * rate[2]
    assert error[0] > max(error[1:])


def test_files_cost_what_the_prior_says(vae: VariationalAutoencoder, photo: NDArray[np.uint8]) -> None:
    codec = api.load("vae", "cpu")
    data = codec.encode(photo, 70)
    header, symbols = codec.unpack(data)
    step = vae._steps(torch.tensor([header.quality / 256]))[0, :, :, :].numpy()
    edges = [(symbols.r + half) * step / math.sqrt(2) for half in (-0.5, 0.5)]
    low, high = (torch.special.erf(torch.from_numpy(edge).double()).numpy() for edge in edges)
    bits = -np.log2(np.maximum((high - low) / 2, 2**-24)).sum()
    assert 8 * len(data) == pytest.approx(bits, rel=0.02, abs=400)
    assert np.square(codec.decode_array(data).astype(float) - photo).mean() < 0.25 * photo.var()


def test_samples_are_of_a_seed(vae: VariationalAutoencoder) -> None:
    a, b, c = vae.sample(4, 1), vae.sample(4, 1), vae.sample(4, 2)
    assert a.shape == (4, 3, 64, 64) and torch.equal(a, b) and not torch.equal(a, c)
    assert float(a.abs().max()) <= 0.5
    assert float((a[0] - a[1]).abs().mean()) > 0.02  # not the mean picture every time
