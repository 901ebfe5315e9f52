"""Find blocks of few colours and hard edges, as screens, text and drawings have, at the cost of a glance."""

import math

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.header import LATENT_STRIDE
from aez.bitstream.sizes import ceil_div

BLOCK = LATENT_STRIDE
"""Side of the blocks that are judged, those of the codec's rate map, in pixels."""
_STEP = 4
"""Of so many rows, one is looked at, and the one below it."""
_EQUAL = 0.4
"""Share of neighbours of a block that are equal, beside or above each other, if it may be a graphic."""
_SURE, _CONTRAST = 0.7, 40
"""This share, and the difference of the lightest and the darkest sample, of a block that surely is one."""
_SURE_BLOCKS = 0.01
"""Share of sure blocks of a picture that is worth a search: of 160 photographs for training 4 have more, and drawings
have 0.09 to 0.6."""
_EMPTY = 0.8
"""Share of blocks that may be graphics, of a picture that is worth a search without a sure one."""
_LARGE, _SPARSE, _SEEN, _FEW_COLOURS = 16, 13, 1024, 32
"""Fewest blocks of a picture whose colours are counted, largest step between the pixels that are, fewest of them, and
most colours of a graphic."""
BAND_PIXELS = 2**20
"""Pixels that are looked at together, about, so that memory is bounded."""


def graphic_blocks(samples: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Find the blocks that may be graphics.

    Args:
        samples: (H, W, 3) or (H, W).

    Returns:
        (⌈H / 16⌉, ⌈W / 16⌉); None if too few surely are, as of photographs.
    """
    rows = band_rows(samples.shape[1])
    bands = [_looked_at(samples[top : top + rows]) for top in range(0, len(samples), rows)]
    flat: NDArray[np.bool_] = np.concatenate([band[0] for band in bands])
    sure = np.concatenate([band[1] for band in bands])
    if int(sure.sum()) > _SURE_BLOCKS * sure.size:
        return flat
    # Also a page that is nearly empty, or one of few colours without equal neighbours.
    if flat.mean() >= _EMPTY:
        return flat
    step = min(_SPARSE, max(1, math.isqrt(samples.shape[0] * samples.shape[1] // _SEEN)))
    if flat.size >= _LARGE and len(np.unique(packed(samples[::step, ::step]))) <= _FEW_COLOURS:
        return np.ones_like(flat)
    return None


def band_rows(width: int) -> int:
    """Return the rows of a band of ``BAND_PIXELS``: whole blocks, one at least."""
    return max(BLOCK, BAND_PIXELS // width // BLOCK * BLOCK)


def packed(samples: NDArray[np.uint8]) -> NDArray[np.uint32] | NDArray[np.uint8]:
    """Return one number a pixel, equal exactly if the colours are; grey samples as they are."""
    if samples.ndim == 2:
        return samples
    red, green, blue = (samples[..., c] for c in range(3))
    out: NDArray[np.uint32] = red.astype(np.uint32)
    out |= green.astype(np.uint32) << np.uint32(8)
    out |= blue.astype(np.uint32) << np.uint32(16)
    return out


def _looked_at(samples: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for every block of a band whether it may be a graphic, and whether it surely is."""
    rows, below = samples[::_STEP], samples[1::_STEP]
    colours = packed(rows)
    beside = np.zeros(colours.shape, np.bool_)
    np.equal(colours[:, 1:], colours[:, :-1], out=beside[:, 1:])
    above = np.zeros(colours.shape, np.bool_)
    np.equal(colours[: len(below)], packed(below), out=above[: len(below)])
    most = np.maximum(_means(beside), _means(above))
    light = rows if rows.ndim == 2 else (rows[..., 0] >> 2) + (rows[..., 1] >> 1) + (rows[..., 2] >> 2)
    squares = _squares(light)
    contrast = squares.max((1, 3)).astype(np.int16) - squares.min((1, 3))
    return most >= _EQUAL, (most >= _SURE) & (contrast >= _CONTRAST)


def _means(plane: NDArray[np.bool_]) -> NDArray[np.float32]:
    means: NDArray[np.float32] = _squares(plane).mean((1, 3), dtype=np.float32)
    return means


def _squares(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Divide the rows that are looked at into blocks, (rows, height, columns, width); the picture's end repeats."""
    height = BLOCK // _STEP
    rows, cols = ceil_div(len(plane), height), ceil_div(plane.shape[1], BLOCK)
    missing = (0, rows * height - len(plane)), (0, cols * BLOCK - plane.shape[1])
    if missing != ((0, 0), (0, 0)):
        plane = np.pad(plane, missing, mode="edge")
    return plane.reshape(rows, height, cols, BLOCK)
