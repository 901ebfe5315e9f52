"""Fréchet and kernel distances between sets of pictures by their features."""

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]


def frechet(a: Features, b: Features) -> float:
    """Compute the Fréchet distance of two normal distributions with the moments of (n, D) features.

    |μ_a − μ_b|² + tr(Σ_a + Σ_b − 2·(Σ_a·Σ_b)^½) (Dowson and Landau, 1982; of Inception features Heusel et al., NeurIPS
    2017). The trace of the root is that of (Σ_a^½·Σ_b·Σ_a^½)^½, which is symmetric.
    """
    mean = np.square(a.mean(0) - b.mean(0)).sum()
    one, other = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ other @ root)
    return float(mean + np.trace(one) + np.trace(other) - 2 * np.sqrt(np.clip(inner, 0, None)).sum())


def kernel(a: Features, b: Features) -> float:
    """Compute the unbiased squared maximum mean discrepancy of (n, D) features with the kernel (x·y/D + 1)³.

    Bińkowski et al., ICLR 2018. Near 0, and as often below as above it, for two samples of one distribution.
    """

    def products(x: Features, y: Features) -> Features:
        cubes: Features = (x @ y.T / x.shape[1] + 1) ** 3
        return cubes

    aa, bb, ab = products(a, a), products(b, b), products(a, b)
    n, m = len(a), len(b)
    within = (aa.sum() - np.trace(aa)) / (n * (n - 1)) + (bb.sum() - np.trace(bb)) / (m * (m - 1))
    return float(within - 2 * ab.mean())
