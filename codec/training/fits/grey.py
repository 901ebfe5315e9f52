"""Fit of the tables for grey pictures, stored as integers.

The chroma latents of a grey picture are empty, and z varies less: ``tables.grey_offset`` is added to the table index of
every channel of y (−64: never coded); ``tables.grey_hyper_index`` and ``tables.grey_hyper_mean`` are the tables of z
and their centres.
"""

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
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import NEVER_CODED, Weights, parse_weights, serialise_weights
from aez.codec.training.data import middle

CROP = 512
_OFFSETS = range(-6, 3)
_REACH = 2000
_LUMA_SHARE = 0.3
_ZEROED_BITS = 9.0
"""Bits that a squared error of 1, from leaving out a symbol of ±1, is worth: a bit saves 2·ln 2 / 12 of it."""
_PRIOR = 0.02
"""Share of a uniform distribution in the histograms of z, so that values that were not seen have a finite cost."""


class GreyFit:
    """Fit of the tables for grey pictures, ``tables.grey_*``, at every quality point."""

    name = "grey"
    needs = 12

    def apply(self, weights: Weights, pictures: Iterable[Tensor]) -> Weights:
        """Measure on the middle of each picture, made grey; see :meth:`aez.codec.training.fits.fit.Fit.apply`."""
        return _with_grey_tables(weights, pictures)


def _with_grey_tables(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """Return the model with tables fitted to the luma of pictures."""
    plain = weights.without("tables.grey_")
    tensors = dict(plain.tensors)
    codec = Codec(plain, "cpu", "float32")
    planes = [_grey(picture) for picture in pictures]
    chroma = _chroma_channels(plain)
    costs = _cost_table(plain.residual_tables)
    found: dict[str, list[NDArray[np.int64]]] = {"grey_offset": [], "grey_hyper_index": [], "grey_hyper_mean": []}
    for point in range(weights.config.points):
        bits = np.zeros((weights.config.latent, len(_OFFSETS)))
        values: list[NDArray[np.int16]] = []
        for plane in planes:
            symbols = encode(codec.setting(point * POSITION_SCALE, 1, grey=True), plane).symbols
            bits += _costs_by_offset(symbols.indices, symbols.r, costs, plain.first_coded)
            values.append(symbols.z.reshape(len(symbols.z), -1))
        offsets = np.array(_OFFSETS)[bits.argmin(1)]
        offsets[chroma] = NEVER_CODED
        index, mean = _hyper_tables(np.concatenate(values, 1), plain.hyper_tables)
        for name, row in zip(found, (offsets, index, mean), strict=True):
            found[name].append(row)
    types = {"grey_offset": np.int8, "grey_hyper_index": np.uint8, "grey_hyper_mean": np.int16}
    tensors |= {f"tables.{name}": np.stack(rows).astype(types[name]) for name, rows in found.items()}
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))


def _grey(picture: Tensor) -> NDArray[np.uint8]:
    """Return the Rec. 601 luma of the middle of a picture, (rows, columns)."""
    luma = torch.tensordot(torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64), middle(picture, CROP).double(), 1)
    samples: NDArray[np.uint8] = luma.round().to(torch.uint8).numpy()
    return samples


def _chroma_channels(weights: Weights) -> NDArray[np.bool_]:
    """Find the channels of y that carry hardly any luma, (M,)."""
    linear = weights.tensors["synthesis.linear.weight"].astype(np.float32).reshape(3, -1, weights.config.latent)
    luma, whole = np.square(linear.mean(0)).sum(0), np.square(linear).mean(0).sum(0)
    chroma: NDArray[np.bool_] = luma < _LUMA_SHARE * whole
    return chroma


def _cost_table(tables: TableSet) -> NDArray[np.float32]:
    """Return the bits of every r from −2000 to 2000 in every table, (64, 4001), escape codes included."""
    out = np.empty((len(tables), 2 * _REACH + 1), np.float32)
    for number, (costs, bound) in enumerate(zip(tables.cost_in_bits(), tables.bounds.tolist(), strict=True)):
        r = np.abs(np.arange(-_REACH, _REACH + 1))
        beyond = np.maximum(r - bound, 1)
        escape = costs[-1] + 2 * np.floor(np.log2(beyond)) + 2
        inside = costs[np.clip(np.arange(-_REACH, _REACH + 1) + bound, 0, 2 * bound)]
        out[number] = np.where(r > bound, escape, inside)
    return out


def _costs_by_offset(
    indices: NDArray[np.uint8], r: NDArray[np.int16], costs: NDArray[np.float32], first_coded: int
) -> NDArray[np.float64]:
    """Return the bits of every channel for each offset added to its indices, (M, offsets)."""
    out = np.zeros((len(r), len(_OFFSETS)))
    coded = (indices >= first_coded) & (indices != NOT_CODED)
    channel = np.nonzero(coded)[0]
    index, value = indices[coded].astype(int), np.clip(r[coded].astype(int), -_REACH, _REACH)
    for number, offset in enumerate(_OFFSETS):
        moved = np.clip(index + offset, 0, len(costs) - 1)
        bits = np.where(moved < first_coded, _ZEROED_BITS * value**2, costs[moved, value + _REACH])
        out[:, number] = np.bincount(channel, bits, minlength=len(r))
    return out


def _hyper_tables(z: NDArray[np.int16], tables: TableSet) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose the cheapest table and its centre for every channel of z (Z, values)."""
    limit = int(tables.bounds.max())
    index, mean = np.zeros(len(z), int), np.zeros(len(z), int)
    costs = tables.cost_in_bits()
    for channel, values in enumerate(z):
        centre = int(np.clip(np.round(values.mean()), -limit, limit))
        best = np.inf
        for number, bound in enumerate(tables.bounds.tolist()):
            # ẑ must stay in the range that the exact path is verified for.
            if abs(centre) + bound > limit and centre:
                continue
            inside = np.abs(values - centre) <= bound
            # A value outside the table is clamped, which costs error: charge as much as for a rare symbol.
            price = np.where(inside, costs[number][np.clip(values - centre + bound, 0, 2 * bound)], 30.0).sum()
            price += _PRIOR * len(values) * float(costs[number].mean())
            if price < best:
                best, index[channel], mean[channel] = price, number, centre
    return index, mean
