"""Fit of the context of z: how z is predicted from its neighbours, stored as integers (``aez.bitstream.hyper``).

Values of z vary slowly over a picture, so a prediction from neighbours saves bits of z.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.hyper import PHASES, HyperCoder, HyperContext, neighbours, steps
from aez.bitstream.tables import TableSet
from aez.codec.codec import Codec
from aez.codec.encoding.analysis import analysed
from aez.codec.encoding.hyper import hyper_analysed
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.scales import ladder
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.networks.frequencies import gaussian_masses, integer_counts
from aez.codec.training.data import middle

CROP = 768
_LEVELS = 48
"""Rungs of the σ ladder that are used, from the lowest: σ up to 41."""
_BOUND_SIGMAS = 24.0
"""More than twice the bound of z, since a value may be predicted at the other end of its range."""
_UNIT = 4 * 256 / 12
"""Integer that stands for a weight of 1 of the neighbours' mean."""
_FAR = 100
"""Bound of counted values; larger ones count as the bound."""
_DEAR = 50.0
"""Bits charged for a value that a table does not have."""
_PRIOR = 5.0
"""Regularisation of a weight towards 0, in squares of the neighbours' mean."""


def context_tables() -> TableSet:
    """Make the tables: Gaussians at 0, 1/4 and 1/2 for every level."""
    tables = [
        integer_counts(gaussian_masses(sigma, int(_BOUND_SIGMAS * sigma) + 2, phase / 4))
        for phase in range(PHASES)
        for sigma in ladder()[:_LEVELS]
    ]
    sizes = np.array([len(table) for table in tables], np.int32)
    return TableSet(np.concatenate(tables).astype(np.int32), sizes, escape=False)


class HyperContextFit:
    """Fit of the weights and levels of the context of z, ``tables.context_*``, at every quality point."""

    name = "hyper_context"
    needs = 48

    def apply(self, weights: Weights, pictures: Iterable[Tensor]) -> Weights:
        """Measure on the middle of each picture; see :meth:`aez.codec.training.fits.fit.Fit.apply`."""
        return _with_context(weights, pictures)


def _with_context(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """Return the model with a context of z fitted to pictures."""
    plain = weights.without("tables.context_")
    codec, tables = Codec(plain, "cpu", "float32"), context_tables()
    samples = [middle(picture, CROP).permute(1, 2, 0).contiguous().numpy() for picture in pictures]
    found: list[HyperContext] = []
    for point in range(weights.config.points):
        position = point * POSITION_SCALE
        setting = codec.setting(position, 0)
        seen = [hyper_analysed(setting, analysed(setting, picture)) for picture in samples]
        found.append(_fitted(setting.point.hyper_coder, seen, tables))
    flat = np.concatenate(tables.counts).astype(np.int32)
    tensors = plain.tensors | {
        "tables.context_weight": np.stack([f.weights for f in found]).astype(np.int16),
        "tables.context_level": np.stack([f.levels for f in found]).astype(np.uint8),
        "tables.context_counts": flat,
        "tables.context_sizes": np.array([len(table) for table in tables.counts], np.int32),
    }
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))


def _fitted(coder: HyperCoder, seen: list[NDArray[np.int16]], tables: TableSet) -> HyperContext:
    """Fit the weights by least squares, then choose the cheapest level for each step and channel."""
    channels, rungs = len(coder.indices), len(tables) // PHASES
    products, squares = np.zeros((2, channels)), np.zeros((2, channels))
    for z, step, cells in _later_steps(seen):
        mean = neighbours(z, step, cells) / 12
        products[step - 1] += (mean * z[:, cells]).sum(1)
        squares[step - 1] += np.square(mean).sum(1)
    weights = np.round(_UNIT * products / (squares + _PRIOR)).astype(np.int32)
    context = HyperContext(weights, np.zeros_like(weights), tables)
    counted = np.zeros((2, PHASES, 2 * _FAR + 1, channels))
    for z, step, cells in _later_steps(seen):
        expected = context.expected(z, step, cells)
        value = np.clip(expected.away(z[:, cells]), -_FAR, _FAR) + _FAR
        channel = np.broadcast_to(np.arange(channels)[:, None], value.shape)
        np.add.at(counted[step - 1], (expected.table // rungs, value, channel), 1)
    costs = np.einsum("lpv,spvz->slz", _cost_table(tables), counted)
    short = context.reach(coder.tables.bounds[coder.indices])[:, None] > tables.bounds[:rungs, None]
    return replace(context, levels=np.where(short, np.inf, costs).argmin(1))


def _later_steps(seen: list[NDArray[np.int16]]) -> Iterator[tuple[NDArray[np.int32], int, NDArray[np.bool_]]]:
    """Yield each z with each step that has neighbours, and the cells of that step."""
    for z in seen:
        for step, cells in enumerate(steps(*z.shape[1:])):
            if step:
                yield z.astype(np.int32), step, cells


def _cost_table(tables: TableSet) -> NDArray[np.float64]:
    """Return the bits of every value from −``_FAR`` to ``_FAR``, (levels, phases, values)."""
    rungs = len(tables) // PHASES
    out = np.full((rungs, PHASES, 2 * _FAR + 1), _DEAR)
    for number, (costs, bound) in enumerate(zip(tables.cost_in_bits(), tables.bounds.tolist(), strict=True)):
        inside = min(bound, _FAR)
        out[number % rungs, number // rungs, _FAR - inside : _FAR + inside + 1] = costs[
            bound - inside : bound + inside + 1
        ]
    return out
