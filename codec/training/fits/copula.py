"""Fit of the copulas of neighbouring symbols (:mod:`aez.codec.family.generation.copula`).

Only `aez generate` reads them; coded files and the model's fingerprint do not depend on them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import TableSet
from aez.codec.codec import Codec
from aez.codec.encoding.encoder import encode
from aez.codec.family.generation.copula import PREFIX, Copula, Neighbours, channels_of, copula_tensors
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights

RIDGE = 0.02
"""Regularisation added to the neighbours' covariance; a variate's variance is 1."""
_SHARES = (0.35, 0.6)
"""Qualities measured at, as shares of the quality range."""
_LIMIT = 3.5


class CopulaFit:
    """Fit of the copulas, ``copula.*``, of z and r."""

    name = "copula"
    needs = 250

    def apply(self, weights: Weights, pictures: Iterable[Tensor]) -> Weights:
        """Measure on whole pictures, some larger than 64 pixels; see :meth:`aez.codec.training.fits.fit.Fit.apply`."""
        return _with_copulas(weights, pictures)


def _with_copulas(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """Return the model with copulas fitted to pictures."""
    codec = Codec(weights, "cpu", "float32")
    random = np.random.default_rng(0)
    wanted = channels_of(weights)
    seen: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = defaultdict(list)
    for picture in pictures:
        samples = picture.permute(1, 2, 0).contiguous().numpy()
        for share in _SHARES:
            position = round(share * (weights.config.points - 1)) * POSITION_SCALE
            setting = codec.setting(position, 0)
            symbols = encode(setting, samples).symbols
            tables = np.broadcast_to(setting.point.hyper_indices[:, None, None], symbols.z.shape)
            variates = {"z": _normal(symbols.z, tables, weights.hyper_tables, random)}
            few = wanted["r"][1]
            variates["r"] = _normal(symbols.r[:few], symbols.indices[:few], weights.residual_tables, random)
            for name, g in variates.items():
                if min(g.shape[1:]) > 2:
                    seen[name].append(_beside(g, wanted[name][0], every=name == "z"))
    copulas = {}
    for name, pairs in seen.items():
        known, here = (np.concatenate(parts, 1) for parts in zip(*pairs, strict=True))
        copulas[name] = _fitted(wanted[name][0], known, here)
    tensors = weights.without(PREFIX).tensors | copula_tensors(copulas)
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))


def _normal(
    symbols: NDArray[np.int16],
    indices: NDArray[np.uint8],
    tables: TableSet,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Map symbols to normal variates: Φ⁻¹ of a random place in each symbol's interval of probability."""
    place = random.random(symbols.shape)
    for table in np.unique(indices):
        if table == NOT_CODED:
            continue
        counts, bound = tables.counts[table], int(tables.bounds[table])
        counts = counts[:-1] if tables.escape else counts
        below, here = np.cumsum(counts) - counts, indices == table
        entry = np.clip(symbols[here].astype(int), -bound, bound) + bound
        place[here] = (below[entry] + counts[entry] * place[here]) / int(counts.sum())
    variates = torch.special.ndtri(torch.from_numpy(place)).clamp(-_LIMIT, _LIMIT)
    out: NDArray[np.float64] = variates.numpy()
    return out


def _beside(
    g: NDArray[np.float64], neighbours: Neighbours, *, every: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rearrange variates (C, rows, columns) to neighbours (3·C, n) and the places themselves (C, n)."""
    rows, cols = g.shape[1:]
    here = np.indices((rows, cols)).reshape(2, -1)
    there = [here + np.array(offset)[:, None] for offset in neighbours]
    kept = np.all([(p[0] >= 0) & (p[1] >= 0) & (p[1] < cols) for p in there], axis=0)
    if not every:
        kept &= here.sum(0) % 2 == 0
    return np.concatenate([g[:, p[0][kept], p[1][kept]] for p in there]), g[:, here[0][kept], here[1][kept]]


def _fitted(neighbours: Neighbours, known: NDArray[np.float64], wanted: NDArray[np.float64]) -> Copula:
    """Fit a ridge regression of (C, n) on (3·C, n), and the Cholesky factor of the residual covariance."""
    centre, mean = known.mean(1, keepdims=True), wanted.mean(1, keepdims=True)
    x, y = known - centre, wanted - mean
    count = x.shape[1]
    covariance = x @ x.T / count + RIDGE * np.eye(len(x))
    regression = np.linalg.solve(covariance, x @ y.T / count).T
    left = y - regression @ x
    noise = np.linalg.cholesky(left @ left.T / count + 1e-6 * np.eye(len(y)))
    return Copula.rounded(neighbours, regression, (mean - regression @ centre)[:, 0], noise)
