"""Compute probability tables as integer counts, once, when a model is exported."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from aez.bitstream.tables import PRECISION


def gaussian_masses(sigma: float, bound: int, mean: float = 0.0) -> NDArray[np.float64]:
    """Return the mass of N(mean, σ²) on [k − 1/2, k + 1/2] for k = −bound … bound.

    Returns:
        (2·bound + 1,) float64, not normalised.
    """
    edges = torch.arange(-bound, bound + 2, dtype=torch.float64, device="cpu") - 0.5 - mean
    beyond = 0.5 * torch.special.erfc(edges.abs() / (sigma * math.sqrt(2)))  # the tail on the edge's side
    # Differences of small tails lose less precision than differences of values near 1.
    below, above = edges[:-1] < 0, edges[1:] > 0
    masses = torch.where(below & above, 1 - beyond[:-1] - beyond[1:], (beyond[:-1] - beyond[1:]).abs())
    out: NDArray[np.float64] = masses.numpy()
    return out


def gaussian_table(sigma: float, bound: int) -> NDArray[np.int64]:
    """Return the counts of rounded samples of N(0, σ²) on −bound … bound, then of the escape: (2·bound + 2,).

    The escape has the mass of both tails.
    """
    tail = math.erfc((bound + 0.5) / (sigma * math.sqrt(2)))
    return integer_counts(np.append(gaussian_masses(sigma, bound), tail))


def spike_table(zero: float, ratio: float, bound: int) -> NDArray[np.int64]:
    """Return the counts of a spike at 0 with geometric tails on −bound … bound, then of the escape: (2·bound + 2,).

    Args:
        zero: probability of 0.
        ratio: ratio of the probability of each magnitude from 2 on to that of the previous one, 0 < ratio < 1.
        bound: largest magnitude with a separate entry.
    """
    magnitudes = (1 - zero) / 2 * (1 - ratio) * ratio ** np.arange(bound, dtype=np.float64)
    escape = (1 - zero) * ratio**bound
    return integer_counts(np.concatenate([magnitudes[::-1], [zero], magnitudes, [escape]]))


def integer_counts(masses: NDArray[np.float64]) -> NDArray[np.int64]:
    """Convert masses to counts of at least 1 that sum to 2**24; the remainder goes to the largest count."""
    counts: NDArray[np.int64] = np.maximum(1, np.round(masses / masses.sum() * 2**PRECISION)).astype(np.int64)
    counts[np.argmax(counts)] += 2**PRECISION - int(counts.sum())
    return counts
