"""What a model's tables gain from knowing that a picture is grey: measured on pictures, stored as integers.

Of a grey picture the chroma latents say nothing, and z says less: ``tables.grey_offset`` moves the table index of every
channel of y (−64: never coded), ``tables.grey_hyper_index`` and ``tables.grey_hyper_mean`` are z's tables and their
centres. Coding reads nothing else of it. A weights file gets them with

    python -m aez.codec.training.fits.grey WEIGHTS PICTURES... -o OUT
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import TableSet
from aez.codec.encoding.effort import effort_of
from aez.codec.encoding.encoder import encode
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import NEVER_CODED, Weights, parse_weights, read_weights, serialise_weights
from aez.codec.picture.files import write_atomically
from aez.codec.runtime.engine import Engine
from aez.codec.training.data import iter_pictures, middle

PICTURES, CROP = 12, 512
_OFFSETS = range(-6, 3)
_REACH = 2000
_LUMA_SHARE = 0.3
_ZEROED_BITS = 9.0
"""What leaving out a symbol of ±1 costs, in bits: its squared error is 1, and a bit saves 2·ln 2 / 12 of that."""
_PRIOR = 0.02
"""Share of an evenly spread distribution in z's histograms, so that values not seen cost no fortune."""


def with_grey_tables(weights: Weights, pictures: Iterable[Tensor]) -> Weights:
    """The same model with tables for grey pictures.

    Args:
        weights: any model; tables it has for grey pictures are replaced.
        pictures: (3, H, W) uint8; the middle of each is used, made grey.
    """
    tensors = {name: t for name, t in weights.tensors.items() if not name.startswith("tables.grey_")}
    plain = replace(weights, tensors=tensors)
    engine = Engine(plain, torch.device("cpu"), torch.float32)
    planes = [_grey(picture) for picture in pictures]
    chroma = _chroma_channels(plain)
    costs = _cost_table(plain.residual_tables)
    found: dict[str, list[NDArray[np.int64]]] = {"grey_offset": [], "grey_hyper_index": [], "grey_hyper_mean": []}
    for point in range(weights.config.points):
        bits = np.zeros((weights.config.latent, len(_OFFSETS)))
        values: list[NDArray[np.int16]] = []
        for plane in planes:
            symbols = encode(engine, plane, point * POSITION_SCALE, effort_of(1))
            bits += _costs_by_offset(symbols.indices, symbols.r, costs, plain.first_coded)
            values.append(symbols.z.reshape(len(symbols.z), -1))
        offsets = np.array(_OFFSETS)[bits.argmin(1)]
        offsets[chroma] = NEVER_CODED
        index, mean = _hyper_tables(np.concatenate(values, 1), plain.hyper_tables)
        for name, row in zip(found, (offsets, index, mean), strict=True):
            found[name].append(row)
    types = {"grey_offset": torch.int8, "grey_hyper_index": torch.uint8, "grey_hyper_mean": torch.int16}
    tensors |= {f"tables.{name}": torch.from_numpy(np.stack(rows)).to(types[name]) for name, rows in found.items()}
    return parse_weights(serialise_weights(replace(weights, tensors=tensors)))


def _grey(picture: Tensor) -> NDArray[np.uint8]:
    """The middle of a picture, (rows, columns), by Rec. 601 luma."""
    luma = torch.tensordot(torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64), middle(picture, CROP).double(), 1)
    samples: NDArray[np.uint8] = luma.round().to(torch.uint8).numpy()
    return samples


def _chroma_channels(weights: Weights) -> NDArray[np.bool_]:
    """(M,): channels whose part of the picture has hardly any luma."""
    linear = weights.tensors["synthesis.linear.weight"].float().flatten(1).reshape(3, -1, weights.config.latent)
    luma, whole = linear.mean(0).square().sum(0), linear.square().mean(0).sum(0)
    chroma: NDArray[np.bool_] = (luma < _LUMA_SHARE * whole).numpy()
    return chroma


def _cost_table(tables: TableSet) -> NDArray[np.float32]:
    """Bits of every r from −2000 to 2000 in every table, (64, 4001); escapes by the length of their code."""
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
    """Bits of every channel with each offset added to its indices, (M, offsets)."""
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
    """The cheapest table of every channel of z, (Z, values), and where it is centred."""
    limit = int(tables.bounds.max())
    index, mean = np.zeros(len(z), int), np.zeros(len(z), int)
    costs = tables.cost_in_bits()
    for channel, values in enumerate(z):
        centre = int(np.clip(np.round(values.mean()), -limit, limit))
        best = np.inf
        for number, bound in enumerate(tables.bounds.tolist()):
            # ẑ must stay within what the exact path is exact for.
            if abs(centre) + bound > limit and centre:
                continue
            inside = np.abs(values - centre) <= bound
            # What a table cannot hold is clamped, which costs elsewhere: as dear as a rare symbol.
            price = np.where(inside, costs[number][np.clip(values - centre + bound, 0, 2 * bound)], 30.0).sum()
            price += _PRIOR * len(values) * float(costs[number].mean())
            if price < best:
                best, index[channel], mean[channel] = price, number, centre
    return index, mean


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", "out", required=True, type=click.Path(path_type=Path), help="Weights file to write.")
def command(weights: Path, pictures: tuple[Path, ...], out: Path) -> None:
    """Give WEIGHTS tables for grey pictures, measured on PICTURES."""
    better = with_grey_tables(read_weights(weights), islice(iter_pictures(pictures), PICTURES))
    write_atomically(out, serialise_weights(better))
    click.echo(f"{out}: fingerprint {better.fingerprint.hex()}")


if __name__ == "__main__":
    command()
