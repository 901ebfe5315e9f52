"""What neighbours tell of a model's z, measured on pictures and stored as integers (``aez.bitstream.hyper``).

Values of z vary slowly over a picture, so those around one tell a part of it: z, which is 2 to 18 % of a file, costs
4.5 to 6 % fewer bits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.hyper import PHASES, HyperCoder, HyperContext, neighbours, steps
from aez.bitstream.tables import TableSet
from aez.codec.model.frequencies import gaussian_masses, integer_counts
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.scales import ladder
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.runtime.engine import Engine
from aez.codec.training.data import middle

PICTURES, CROP = 48, 768
_LEVELS = 48
"""Of the σ ladder, from its lowest rung: σ up to 41."""
_BOUND_SIGMAS = 24.0
"""Twice what z is clamped to, and more: a value may be expected at the other end of its range."""
_UNIT = 4 * 256 / 12
"""A weight of 1 for the neighbours' mean, as an integer."""
_FAR = 100
"""Values beyond it count as it."""
_DEAR = 50.0
"""Bits that a value beyond a table counts for."""
_PRIOR = 5.0
"""Squares of the neighbours' mean that a weight of 0 counts for."""


def context_tables() -> TableSet:
    """Gaussians at 0, 1/4 and 1/2, for every level."""
    tables = [
        integer_counts(gaussian_masses(sigma, int(_BOUND_SIGMAS * sigma) + 2, phase / 4))
        for phase in range(PHASES)
        for sigma in ladder()[:_LEVELS]
    ]
    sizes = np.array([len(table) for table in tables], np.int32)
    return TableSet(np.concatenate(tables).astype(np.int32), sizes, escape=False)


def with_hyper_context(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """The same model, z coded with what neighbours tell.

    Args:
        weights: any model; what it knows of neighbours is replaced.
        pictures: (3, H, W) uint8; the middle of each is used.
    """
    tensors = {name: t for name, t in weights.tensors.items() if not name.startswith("tables.context_")}
    plain = replace(weights, tensors=tensors)
    engine, tables = Engine(plain, torch.device("cpu"), torch.float32), context_tables()
    samples = [middle(picture, CROP).permute(1, 2, 0).contiguous().numpy() for picture in pictures]
    found: list[HyperContext] = []
    for point in range(weights.config.points):
        position = point * POSITION_SCALE
        seen = [engine.hyper_analyse(engine.analyse(picture, position), position) for picture in samples]
        found.append(_fitted(plain.hyper_coder(position), seen, tables))
    flat = np.concatenate(tables.counts).astype(np.int32)
    tensors |= {
        "tables.context_weight": torch.from_numpy(np.stack([f.weights for f in found])).to(torch.int16),
        "tables.context_level": torch.from_numpy(np.stack([f.levels for f in found])).to(torch.uint8),
        "tables.context_counts": torch.from_numpy(flat),
        "tables.context_sizes": torch.tensor([len(table) for table in tables.counts], dtype=torch.int32),
    }
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))


def _fitted(coder: HyperCoder, seen: list[NDArray[np.int16]], tables: TableSet) -> HyperContext:
    """The best weights in the mean square, and then for each step and channel the level that costs least."""
    channels, rungs = len(coder.indices), len(tables) // PHASES
    products, squares = np.zeros((2, channels)), np.zeros((2, channels))
    for z, step, cells in _later_steps(seen):
        mean = neighbours(z, step, cells) / 12
        products[step - 1] += (mean * z[:, cells]).sum(1)
        squares[step - 1] += np.square(mean).sum(1)
    weights = np.round(_UNIT * products / (squares + _PRIOR)).astype(np.int64)
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


def _later_steps(seen: list[NDArray[np.int16]]) -> Iterator[tuple[NDArray[np.int64], int, NDArray[np.bool_]]]:
    """Every z with each step that sees neighbours and its cells."""
    for z in seen:
        for step, cells in enumerate(steps(*z.shape[1:])):
            if step:
                yield z.astype(np.int64), step, cells


def _cost_table(tables: TableSet) -> NDArray[np.float64]:
    """Bits of every value from −``_FAR`` to ``_FAR`` by level and phase, (levels, phases, values)."""
    rungs = len(tables) // PHASES
    out = np.full((rungs, PHASES, 2 * _FAR + 1), _DEAR)
    for number, (costs, bound) in enumerate(zip(tables.cost_in_bits(), tables.bounds.tolist(), strict=True)):
        inside = min(bound, _FAR)
        out[number % rungs, number // rungs, _FAR - inside : _FAR + inside + 1] = costs[
            bound - inside : bound + inside + 1
        ]
    return out
