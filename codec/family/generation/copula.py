"""Gaussian copulas with a causal autoregression, which model the dependence between neighbouring symbols for sampling.

The tables of the entropy model give the distribution of each symbol by itself. A copula keeps these distributions and
adds the dependence on neighbours. Every symbol is mapped through its table to a normal variate g (Φ⁻¹ of its cumulative
probability). The g of all channels at a place are predicted from those of three earlier neighbours, plus correlated
noise:

    g = A·g₁ + B·g₂ + C·g₃ + b + N·e,  e standard normal.

There are two copulas: one of z, cell by cell, and one of the leading channels of r at the places of the first step of
the mean context, which the codec assumes to be independent given z. Sampling uses integers, with g and matrices in
units of 2⁻¹², so it gives the same result on every machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError
from aez.bitstream.tables import PRECISION

if TYPE_CHECKING:
    from aez.codec.model.weightfile import Weights

PREFIX = "copula."
FRACTION = 12
REACH = 6
"""Bound of ±g."""
BURN_IN = 8
"""Places above and to the left that are sampled and discarded, since the first places have no neighbours."""
_STEP = 8  # Φ is tabulated in steps of 2**−8

Neighbours = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
CELLS: Neighbours = ((0, -1), (-1, 0), (-1, -1))
"""Rows down and columns to the right of z's neighbours."""
QUINCUNX: Neighbours = ((0, -2), (-1, -1), (-1, 1))
"""Neighbours of r, which lies on the places whose row and column have an even sum."""
LEADING = 32
"""Largest number of channels of r."""


@dataclass(frozen=True)
class Copula:
    """The matrices of a copula as integers.

    Attributes:
        neighbours: places from which a place is predicted.
        regression: (C, 3·C) int64, A, B and C side by side.
        offset: (C,) int64, b.
        noise: (C, C) int64, N, lower triangular.
    """

    neighbours: Neighbours
    regression: NDArray[np.int64]
    offset: NDArray[np.int64]
    noise: NDArray[np.int64]

    @classmethod
    def rounded(
        cls,
        neighbours: Neighbours,
        regression: NDArray[np.float64],
        offset: NDArray[np.float64],
        noise: NDArray[np.float64],
    ) -> "Copula":
        """Round real matrices to integers; entries beyond ±8 are clipped."""
        parts = (np.clip(np.round(m * 2**FRACTION), -(2**15), 2**15 - 1) for m in (regression, offset, noise))
        return cls(neighbours, *(part.astype(np.int64) for part in parts))

    def uniform(self, rows: int, cols: int, draws: Callable[[int], NDArray[np.int64]]) -> NDArray[np.int64]:
        """Sample dependent uniform integers of 24 bits, (C, rows, columns).

        On the quincunx, the other places are 0.

        Args:
            rows: number of rows of places.
            cols: number of columns of places.
            draws: function that returns the given number of independent integers of 24 bits.
        """
        channels = len(self.offset)
        every = self.neighbours is CELLS
        height, width = rows + BURN_IN, cols + BURN_IN
        # A border of two zero places, so that every neighbour exists.
        g = np.zeros((height + 4, width + 4, channels), np.int64)
        limit, half = REACH << FRACTION, 1 << (FRACTION - 1)
        for i in range(height):
            normal = _quantiles()[draws(width * channels) >> (PRECISION - FRACTION)].reshape(width, channels)
            given = normal @ self.noise.T + (self.offset << FRACTION) + half
            for j in range(0 if every else i % 2, width, 1 if every else 2):
                known = np.concatenate([g[i + down + 2, j + right + 2] for down, right in self.neighbours])
                g[i + 2, j + 2] = np.clip((self.regression @ known + given[j]) >> FRACTION, -limit, limit)
        inner = g[BURN_IN + 2 : -2, BURN_IN + 2 : -2]
        out = _probabilities()[(inner >> (FRACTION - _STEP)) + (REACH << _STEP)]
        if not every:
            out[np.indices((rows, cols)).sum(0) % 2 == 1] = 0
        return np.ascontiguousarray(out.transpose(2, 0, 1))


def channels_of(weights: "Weights") -> dict[str, tuple[Neighbours, int]]:
    """Return neighbours and number of channels of a model's copulas; those of r are in the first step's half."""
    config = weights.config
    return {"z": (CELLS, config.hyper), "r": (QUINCUNX, min(LEADING, config.latent // 2))}


def read_copulas(weights: "Weights") -> dict[str, Copula]:
    """Read the copulas of a model, by ``z`` and ``r``; the result is empty if the model has none.

    Raises:
        ModelError: a copula is missing or has the wrong shape.
    """
    if not any(name.startswith(PREFIX) for name in weights.tensors):
        return {}
    found = {}
    for name, (neighbours, channels) in channels_of(weights).items():
        shapes = {"regression": (channels, 3 * channels), "offset": (channels,), "noise": (channels, channels)}
        parts = []
        for part, shape in shapes.items():
            tensor = weights.tensors.get(f"{PREFIX}{name}_{part}")
            if tensor is None or tuple(tensor.shape) != shape or tensor.dtype != np.int16:
                raise ModelError("what the model knows of neighbouring symbols is damaged")
            parts.append(tensor.astype(np.int64))
        found[name] = Copula(neighbours, *parts)
    return found


def copula_tensors(copulas: dict[str, Copula]) -> dict[str, NDArray[np.int16]]:
    """Convert copulas to tensors of a weights file."""
    return {
        f"{PREFIX}{name}_{part}": getattr(copula, part).astype(np.int16)
        for name, copula in copulas.items()
        for part in ("regression", "offset", "noise")
    }


@cache
def _quantiles() -> NDArray[np.int64]:
    """Tabulate Φ⁻¹ at the centres of 4096 equal parts of 0 … 1."""
    normal, count = NormalDist(), 1 << FRACTION
    return np.array([round(normal.inv_cdf((k + 0.5) / count) * count) for k in range(count)], np.int64)


@cache
def _probabilities() -> NDArray[np.int64]:
    """Tabulate Φ from −6 to 6, in units of 2**−24."""
    normal, top = NormalDist(), (1 << PRECISION) - 1
    places = range(-(REACH << _STEP), (REACH << _STEP) + 1)
    return np.array([min(top, round(normal.cdf(k / (1 << _STEP)) * 2**PRECISION)) for k in places], np.int64)
