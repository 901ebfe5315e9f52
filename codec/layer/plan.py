"""Choose the pixels that a layer covers, by rate and distortion of both ways to code them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aez.codec.layer.colours import TOLERANCES, Palette
from aez.codec.layer.content import BLOCK, band_rows, packed
from aez.codec.layer.runs import grown_along_runs
from aez.codec.layer.tiles import encode_layer, encode_whole
from aez.codec.picture.vp8l import QUICK, USUAL, Search

_NEW, _EDGE, _SAME = 8.0, 1.0, 0.05
"""Relative cost of a pixel that is neither its left nor its upper neighbour, that is one of both, and that is both."""
_BOUNDARY = 48.0
"""Bits that a side of a covered block costs if the next block is not covered."""
_INDEXED = 0.6
"""Share of the bits of VP8L that numbers of colours take, where colours are few."""
_MEASUREMENTS = 2
_SQUARE, _REPEATING = 4, 0.5
"""Side of the squares that are added to a layer at its border, and their largest cost, if 1 is that of noise."""
Samples = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class BlockCosts:
    """The cost of a picture without a layer, by blocks of 16×16 pixels.

    Attributes:
        bits: (⌈H / 16⌉, ⌈W / 16⌉) of the symbols.
        error: squared error, summed over the samples / 255 of a block; the same shape.
        worth: bits that a unit of ``error`` is worth.
        total: rate plus distortion of the picture in bits, in the measure of the model.
    """

    bits: NDArray[np.float64]
    error: NDArray[np.float64]
    worth: float
    total: float


@dataclass(frozen=True, eq=False)
class Plan:
    """A layer for a picture.

    Attributes:
        cover: (H, W), the pixels that it covers.
        payload: of the LAYER chunk.
    """

    cover: Mask
    payload: bytes


def planned(samples: Samples, candidates: Mask, costs: BlockCosts, search: Search = USUAL) -> Plan | None:
    """Choose the covered pixels of a picture.

    VP8L's cost of a block is that of its pixels by how they follow from their neighbours, scaled to what a stream of
    all candidates really takes.

    Args:
        samples: (H, W, 3) or (H, W).
        candidates: (⌈H / 16⌉, ⌈W / 16⌉), blocks that may be covered.
        costs: what the blocks cost without a layer.
        search: time that WebP spends on the layer that is returned.

    Returns:
        None if no block is worth it.
    """
    shape = samples.shape[0], samples.shape[1]
    weights, repeating = _followed(samples)
    without = costs.bits + costs.worth * costs.error
    chosen = candidates
    for _ in range(_MEASUREMENTS):
        if not chosen.any():
            return None
        cover = to_pixels(chosen, shape)
        bits = 8 * len(encode_layer(samples, cover, QUICK)) * (_INDEXED if Palette.of(samples, cover) else 1)
        gain = without - weights * (bits / weights[chosen].sum())
        chosen = _smoothed(candidates, chosen & (gain > 0), gain)
    if not chosen.any():
        return None
    cover, beside = to_pixels(chosen, shape), to_pixels(_around(chosen), shape)
    cover |= beside & repeating
    # Areas of one colour are covered as far as they reach, so that they keep it on both sides of a block's edge.
    cover = grown_along_runs(samples, cover, beside | to_pixels(candidates & ~chosen, shape))
    return with_fewest_bits(samples, cover, costs.worth, search)


def with_fewest_bits(
    samples: Samples,
    cover: Mask,
    worth: float,
    search: Search = USUAL,
    alpha: Samples | None = None,
    *,
    whole: bool = False,
) -> Plan:
    """Merge colours as far as it saves more bits than the error is worth.

    Args:
        samples: (H, W, 3) or (H, W).
        cover: (H, W), the covered pixels, some at least.
        worth: bits that a unit of error is worth.
        search: time that WebP spends on the layer that is returned.
        alpha: (H, W), opacity that a whole layer holds.
        whole: the layer is the whole picture.
    """

    def coded(of: Samples, time: Search) -> bytes:
        return encode_whole(of, alpha, time) if whole else encode_layer(of, cover, time)

    palette, best = Palette.of(samples, cover), samples
    if palette is not None:
        least = 8.0 * len(coded(samples, QUICK))
        for tolerance in TOLERANCES:
            merged = palette.merged(tolerance)
            loss = palette.loss(merged, 1 if samples.ndim == 2 else 3)
            if worth * loss > least:
                break
            changed = palette.applied(samples, cover, merged)
            cost = 8 * len(coded(changed, QUICK)) + worth * loss
            if cost > least:
                break
            best, least = changed, cost
    return Plan(cover, coded(best, search))


def block_errors(decoded: Samples, samples: Samples) -> NDArray[np.float64]:
    """Return the squared errors of blocks, summed over samples / 255.

    Args:
        decoded: (H, W, 3) or (H, W).
        samples: the original, the same shape.
    """
    error = np.empty(samples.shape[:2], np.float32)
    for row, want, out in zip(decoded, samples, error, strict=True):
        square = np.square((row.astype(np.float32) - want) / np.float32(255))
        out[:] = square if samples.ndim == 2 else square.sum(1)
    return block_sums(error)


def to_pixels(blocks: Mask, shape: tuple[int, int]) -> Mask:
    """Return a mask of blocks as one of the pixels of a picture of ``shape``."""
    return np.repeat(np.repeat(blocks, BLOCK, 0), BLOCK, 1)[: shape[0], : shape[1]]


def block_sums(plane: NDArray[np.generic]) -> NDArray[np.float64]:
    """Sum a plane of pixels, (H, W), over blocks."""
    rows = np.add.reduceat(plane, np.arange(0, plane.shape[0], BLOCK), 0, dtype=np.float64)
    sums: NDArray[np.float64] = np.add.reduceat(rows, np.arange(0, plane.shape[1], BLOCK), 1)
    return sums


def _followed(samples: Samples) -> tuple[NDArray[np.float64], Mask]:
    """Return the relative VP8L costs of blocks, and the pixels of small squares that mostly follow, (H, W)."""
    weights, repeating, rows = [], [], band_rows(samples.shape[1])
    for top in range(0, len(samples), rows):
        above = min(top, 1)  # the row above the band, which its first row may follow
        costs = _pixel_costs(packed(samples[top - above : top + rows]))[above:]
        weights.append(block_sums(costs))
        repeating.append(_repeating(costs))
    return np.concatenate(weights), np.concatenate(repeating)


def _pixel_costs(colours: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the relative cost of every pixel, (H, W)."""
    left, above = np.zeros(colours.shape, np.bool_), np.zeros(colours.shape, np.bool_)
    np.equal(colours[:, 1:], colours[:, :-1], out=left[:, 1:])
    np.equal(colours[1:], colours[:-1], out=above[1:])
    classes = left.astype(np.uint8) + above
    costs: NDArray[np.float32] = np.array([_NEW, _EDGE, _SAME], np.float32)[classes]
    return costs


def _repeating(costs: NDArray[np.float32]) -> Mask:
    """Return the pixels of small squares whose pixels mostly follow from their neighbours, (H, W)."""
    height, width = costs.shape
    rows = np.add.reduceat(costs, np.arange(0, height, _SQUARE), 0)
    squares = np.add.reduceat(rows, np.arange(0, width, _SQUARE), 1) < _REPEATING * _NEW * _SQUARE**2
    return np.repeat(np.repeat(squares, _SQUARE, 0), _SQUARE, 1)[:height, :width]


def _smoothed(candidates: Mask, chosen: Mask, gain: NDArray[np.float64]) -> Mask:
    """Decide again, with the cost of the boundary: lone blocks are dropped, holes closed if that is not dear."""
    covered = np.pad(chosen, 1, mode="edge").astype(np.int8)
    around = covered[:-2, 1:-1] + covered[2:, 1:-1] + covered[1:-1, :-2] + covered[1:-1, 2:]
    kept: Mask = candidates & (gain + _BOUNDARY * (2 * around - 4) > 0)
    return kept


def _around(chosen: Mask) -> Mask:
    """Return the blocks beside chosen ones, also diagonally, that are not chosen themselves."""
    padded = np.pad(chosen, 1)
    rows, cols = chosen.shape
    near = np.zeros_like(chosen)
    for down in range(3):
        for right in range(3):
            near |= padded[down : down + rows, right : right + cols]
    return near & ~chosen
