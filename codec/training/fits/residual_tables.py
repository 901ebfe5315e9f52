"""Fit of the tables of r: the symbols of pictures are counted, one table for each rung of the σ ladder.

Rate–distortion-optimised quantisation makes zeros more frequent than a Gaussian of the rung's σ, and the tails are
heavier. Counted tables save bits and cost a decoder nothing.

Tables below the first one that tiles usually code serve mostly graphics, so drawn crops are counted for them too.
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
from aez.codec.codec import Codec
from aez.codec.encoding.encoder import encode
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.networks.frequencies import integer_counts
from aez.codec.options import EncodeOptions
from aez.codec.training.data import middle
from aez.codec.training.data.drawn import drawn_crop

CROP = 512
DRAWN, DRAWN_CROP = 16, 256
_PRIOR = 200.0
"""Weight of the model's earlier table, in symbols."""


class ResidualTablesFit:
    """Counts of r, ``tables.residual_counts``, at every quality point and the default effort."""

    name = "residual_tables"
    needs = 24

    def apply(self, weights: Weights, pictures: Iterable[Tensor]) -> Weights:
        """Count in the middle of each picture; see :meth:`aez.codec.training.fits.fit.Fit.apply`."""
        return _counted(weights, pictures)


def _counted(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """Return the model with tables of r counted on pictures; its present tables are the prior."""
    codec, old = Codec(weights.without("filter."), "cpu", "float32"), weights.residual_tables
    counted = [np.zeros(len(table)) for table in old.counts]
    draw = random.Random(0)
    drawn = (drawn_crop(draw, DRAWN_CROP).to(torch.uint8) for _ in range(DRAWN))
    for picture, photographic in chain(((p, True) for p in pictures), ((d, False) for d in drawn)):
        samples = middle(picture, CROP).permute(1, 2, 0).contiguous().numpy()
        for point in range(weights.config.points):
            symbols = encode(codec.setting(point * POSITION_SCALE, EncodeOptions.effort), samples).symbols
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
    tensors["tables.residual_counts"] = np.concatenate(tables).astype(np.int32)
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))


def _count(
    indices: NDArray[np.uint8], r: NDArray[np.int16], tables: TableSet, counted: list[NDArray[np.float64]]
) -> None:
    """Add the symbols of a picture to ``counted``; symbols beyond a table's range count as its last entry."""
    order = np.argsort(indices, axis=None, kind="stable")
    values = r.reshape(-1)[order].astype(np.int64)
    # Elements that are not coded have the highest number, so they come last and are left out.
    ends = np.cumsum(np.bincount(indices.reshape(-1), minlength=len(tables))[: len(tables)])
    for count, bound, part in zip(counted, tables.bounds.tolist(), np.split(values, ends)[:-1], strict=True):
        entry = np.where(np.abs(part) <= bound, part + bound, 2 * bound + 1)
        count += np.bincount(entry, minlength=len(count))


def _symmetric(count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average the counts of r and −r, which differ only by chance."""
    inside = count[:-1]
    return np.append((inside + inside[::-1]) / 2, count[-1])
