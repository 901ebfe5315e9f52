"""p(x) of an autoencoder of patches, by importance sampling."""

import math

import torch
from torch import Tensor

from aez.codec.family.collapsed import PlainAutoencoder

_WIDER = 1.1
"""The proposal's variance over that of Laplace's approximation: tails must not be missed."""
_LOG_TWO_PI = math.log(2 * math.pi)


class Joint:
    """log p(x, z) = log N(x; g(z), s²·I) + log N(z; m, S) of a model, for one patch at a time."""

    def __init__(self, model: PlainAutoencoder) -> None:
        """Prepare the prior that :meth:`PlainAutoencoder.finish` fitted."""
        self.model = model
        self.variance = float(model.noise) ** 2
        self._root = torch.linalg.cholesky(model.prior_covariance.double())
        self._precision = torch.cholesky_inverse(self._root)

    def log(self, patch: Tensor, z: Tensor) -> Tensor:
        """log p(x, z) in nats of a patch (3, 32, 32) and codes (K, D): (K,) float64."""
        rest = (self.model.decode(z) - patch).flatten(1).double()
        offset = torch.linalg.solve_triangular(self._root, (z - self.model.prior_mean).double().T, upper=False)
        likelihood = -0.5 * rest.square().sum(1) / self.variance - 0.5 * patch.numel() * (
            _LOG_TWO_PI + math.log(self.variance)
        )
        prior = -0.5 * offset.square().sum(0) - self._root.diagonal().log().sum() - 0.5 * z.shape[1] * _LOG_TWO_PI
        out: Tensor = likelihood + prior
        return out

    def curvature(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """∂g/∂z at a code (D,), (samples, D), and Gauss–Newton's −∂²log p/∂z², (D, D), float64."""
        slope = torch.func.jacfwd(lambda one: self.model.decode(one[None])[0].flatten())(z).double()
        return slope, slope.T @ slope / self.variance + self._precision

    def maximum(self, patch: Tensor, steps: int) -> Tensor:
        """The code that maximises log p(x, z), by damped Gauss–Newton steps from h(x)."""
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
    """log p(x) = log ∫ p(x|z)·p(z) dz of patches, by importance sampling.

    p(z) = N(m, S) is fitted to the codes, p(x|z) = N(g(z), s²·I). The proposal is Laplace's: a normal distribution
    around the most likely code with the curvature there, a little wider. The estimate is unbiased for p(x) and so, on
    average, low in the logarithm (Burda et al., ICLR 2016).

    Args:
        model: trained, in evaluation mode, on the CPU.
        x: (N, 3, 32, 32), RGB / 255 − 1/2, continuous: with noise of a step if it comes from integers.
        samples: codes drawn for each patch.
        seed: of the codes.
        steps: of Gauss–Newton.

    Returns:
        log p(x) in nats, (N,), and the effective number of samples (Σw)² / Σw², (N,).
    """
    generator = torch.Generator().manual_seed(seed)
    joint = Joint(model)
    results, effective = [], []
    for patch in x:
        z = joint.maximum(patch, steps)
        # With curvature LLᵀ, codes z + L⁻ᵀ·noise have its inverse as covariance.
        spread = torch.linalg.cholesky(joint.curvature(z)[1]).inverse().T * _WIDER**0.5
        noise = torch.randn(samples, len(z), generator=generator, dtype=torch.float64)
        log_q = -0.5 * noise.square().sum(1) - spread.diagonal().log().sum() - 0.5 * len(z) * _LOG_TWO_PI
        weights = joint.log(patch, (z.double() + noise @ spread.T).float()) - log_q
        total = weights.logsumexp(0)
        results.append(total - math.log(samples))
        effective.append((2 * total - (2 * weights).logsumexp(0)).exp())
    return torch.stack(results), torch.stack(effective)
