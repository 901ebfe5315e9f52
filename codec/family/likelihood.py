"""Estimate the likelihood p(x) of patches under an autoencoder, by importance sampling."""

import math

import torch
from torch import Tensor

from aez.codec.family.collapsed import PlainAutoencoder

_WIDER = 1.1
"""Variance of the proposal relative to Laplace's approximation; wider, so that it covers the tails."""
_LOG_TWO_PI = math.log(2 * math.pi)


class Joint:
    """The joint density p(x, z) = N(x; g(z), s²·I) · N(z; m, S) of a model, for one patch at a time."""

    def __init__(self, model: PlainAutoencoder) -> None:
        """Prepare the prior that :meth:`PlainAutoencoder.finish` fitted."""
        self.model = model
        self.variance = float(model.noise) ** 2
        self._root = torch.linalg.cholesky(model.prior_covariance.double())
        self._precision = torch.cholesky_inverse(self._root)

    def log(self, patch: Tensor, z: Tensor) -> Tensor:
        """Return log p(x, z) in nats, (K,) float64, of a patch (3, 32, 32) and codes (K, D)."""
        rest = (self.model.decode(z) - patch).flatten(1).double()
        offset = torch.linalg.solve_triangular(self._root, (z - self.model.prior_mean).double().T, upper=False)
        likelihood = -0.5 * rest.square().sum(1) / self.variance - 0.5 * patch.numel() * (
            _LOG_TWO_PI + math.log(self.variance)
        )
        prior = -0.5 * offset.square().sum(0) - self._root.diagonal().log().sum() - 0.5 * z.shape[1] * _LOG_TWO_PI
        out: Tensor = likelihood + prior
        return out

    def curvature(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return ∂g/∂z, (samples, D), and Gauss–Newton's −∂²log p/∂z², (D, D), at a code (D,), in float64."""
        slope = torch.func.jacfwd(lambda one: self.model.decode(one[None])[0].flatten())(z).double()
        return slope, slope.T @ slope / self.variance + self._precision

    def maximum(self, patch: Tensor, steps: int) -> Tensor:
        """Maximise log p(x, z) over the code by damped Gauss–Newton steps from h(x)."""
        z = self.model.encode(patch[None])[0]
        for _ in range(steps):
            slope, curvature = self.curvature(z)
            rest = (patch - self.model.decode(z[None])[0]).flatten().double()
            gradient = slope.T @ rest / self.variance - self._precision @ (z - self.model.prior_mean).double()
            step = torch.linalg.solve(curvature, gradient).float()
            tried = z + torch.tensor([1.0, 0.5, 0.25, 0.1, 0.0])[:, None] * step
            z = tried[self.log(patch, tried).argmax()]
        return z


@torch.no_grad()
def log_likelihood(
    model: PlainAutoencoder, x: Tensor, samples: int = 256, seed: int = 0, steps: int = 6
) -> tuple[Tensor, Tensor]:
    """Estimate log p(x) = log ∫ p(x|z)·p(z) dz of patches by importance sampling.

    p(z) = N(m, S) is fitted to the codes, and p(x|z) = N(g(z), s²·I). The proposal is Laplace's approximation: a normal
    distribution around the most likely code with the curvature there, slightly widened. The estimate of p(x) is
    unbiased, so its logarithm is too low on average (Burda et al., ICLR 2016).

    Args:
        model: trained model, in evaluation mode, on the CPU.
        x: (N, 3, 32, 32), RGB / 255 − 1/2, continuous: samples from integers need noise of one quantisation step.
        samples: number of codes for each patch.
        seed: seed of the codes.
        steps: Gauss–Newton steps.

    Returns:
        log p(x) in nats, (N,), and the effective number of samples (Σw)² / Σw², (N,).
    """
    generator = torch.Generator().manual_seed(seed)
    joint = Joint(model)
    results, effective = [], []
    for patch in x:
        z = joint.maximum(patch, steps)
        # With curvature LLᵀ, codes z + L⁻ᵀ·noise have the inverse curvature as covariance.
        spread = torch.linalg.cholesky(joint.curvature(z)[1]).inverse().T * _WIDER**0.5
        noise = torch.randn(samples, len(z), generator=generator, dtype=torch.float64)
        log_q = -0.5 * noise.square().sum(1) - spread.diagonal().log().sum() - 0.5 * len(z) * _LOG_TWO_PI
        weights = joint.log(patch, (z.double() + noise @ spread.T).float()) - log_q
        total = weights.logsumexp(0)
        results.append(total - math.log(samples))
        effective.append((2 * total - (2 * weights).logsumexp(0)).exp())
    return torch.stack(results), torch.stack(effective)
