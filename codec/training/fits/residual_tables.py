"""Tables of r from what symbols really are: no Gaussian is as peaked, and none has such tails.

Rate–distortion-optimised quantisation makes zeros more frequent than the Gaussian that σ stands for, and the largest
values come oftener than it says; a table for each rung of the σ ladder, counted on pictures, saves 0.4 to 0.8 % of the
bits and costs a decoder nothing.

Tables below the first one that tiles usually code serve graphics above all, so drawn crops are counted for them, too.
"""

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import PRECISION, TableSet
from aez.codec.encoding.effort import DEFAULT_EFFORT, effort_of
from aez.codec.encoding.encoder import encode
from aez.codec.model.frequencies import integer_counts
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.runtime.engine import Engine
from aez.codec.training.data import middle
from aez.codec.training.drawn import drawn_crop

PICTURES, CROP = 24, 512
DRAWN, DRAWN_CROP = 16, 256
_PRIOR = 200.0
"""What the table a model comes with counts for, in symbols."""


def with_residual_tables(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """The same model with tables of r counted on pictures, at every quality point and the default effort.

    Args:
        weights: any model; its tables are where counting starts from.
        pictures: (3, H, W) uint8; the middle of each is used.
    """
    engine = Engine(weights, torch.device("cpu"), torch.float32)
    old, how = weights.residual_tables, effort_of(DEFAULT_EFFORT, weights.distortion)
    counted = [np.zeros(len(table)) for table in old.counts]
    draw = random.Random(0)
    drawn = (drawn_crop(draw, DRAWN_CROP).to(torch.uint8) for _ in range(DRAWN))
    for picture, photographic in chain(((p, True) for p in pictures), ((d, False) for d in drawn)):
        samples = middle(picture, CROP).permute(1, 2, 0).contiguous().numpy()
        for point in range(weights.config.points):
            symbols = encode(engine, samples, point * POSITION_SCALE, how)
            if photographic:
                _count(symbols.indices, symbols.r, old, counted)
            else:
                rare = np.where(symbols.indices < weights.first_coded, symbols.indices, np.uint8(NOT_CODED))
                _count(rare, symbols.r, old, counted)
    tables = [
        integer_counts(_symmetric(count) + _PRIOR * table / 2**PRECISION)
        for table, count in zip(old.counts, counted, strict=True)
    ]
    tensors = dict(weights.tensors)
    tensors["tables.residual_counts"] = torch.from_numpy(np.concatenate(tables).astype(np.int32))
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))


def _count(
    indices: NDArray[np.uint8], r: NDArray[np.int16], tables: TableSet, counted: list[NDArray[np.float64]]
) -> None:
    """Add a picture's symbols to ``counted``, those beyond a table's range to its last entry."""
    order = np.argsort(indices, axis=None, kind="stable")
    values = r.reshape(-1)[order].astype(np.int64)
    # Elements that are not coded have the highest number and are left over.
    ends = np.cumsum(np.bincount(indices.reshape(-1), minlength=len(tables))[: len(tables)])
    for count, bound, part in zip(counted, tables.bounds.tolist(), np.split(values, ends)[:-1], strict=True):
        entry = np.where(np.abs(part) <= bound, part + bound, 2 * bound + 1)
        count += np.bincount(entry, minlength=len(count))


def _symmetric(count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts of r with those of −r: their difference is chance."""
    inside = count[:-1]
    return np.append((inside + inside[::-1]) / 2, count[-1])
