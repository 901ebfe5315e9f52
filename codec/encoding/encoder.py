"""A picture to its symbols, band by band."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.encoding.candidate import Choice
from aez.codec.encoding.corrections import corrected, decoded_error
from aez.codec.encoding.descent import descended
from aez.codec.encoding.effort import Effort
from aez.codec.encoding.hyper import refine_rows
from aez.codec.encoding.quantise import Quantiser
from aez.codec.encoding.thresholds import TileTables
from aez.codec.model.filter_weights import FilterFit
from aez.codec.runtime.context import Contexts
from aez.codec.runtime.engine import BAND_HALO, HYPER_HALO, Engine, Progress
from aez.codec.runtime.patches import STRIDE
from aez.codec.symbols.symbols import Symbols
from aez.codec.symbols.tiles import interleaved
from aez.codec.symbols.windows import CELL, WHOLE_CELLS, Window, bands

UNTILED_LATENTS = WHOLE_CELLS * CELL**2
"""Pictures of up to so many latent positions (3.1 megapixels) have one tile; larger ones tiles of 2**6 a side."""
TILE_LOG2 = 6

_HARD_EDGE, _HARD_EDGES = 192, 0.004
"""Difference of neighbouring samples, and share of neighbours that have one on graphics; below 0.001 on photographs."""
_FLAT = 0.6
"""Share of neighbours that are equal on graphics."""


def usual_tile_log2(height: int, width: int) -> int:
    """Tiles that a picture of so many pixels has unless its encoder is told otherwise, as in the header."""
    return 0 if -(-height // STRIDE) * -(-width // STRIDE) <= UNTILED_LATENTS else TILE_LOG2


def encode(
    engine: Engine,
    picture: NDArray[np.uint8],
    position: int,
    effort: Effort,
    progress: Progress | None = None,
    fit: FilterFit | None = None,
    tile_side: int = 0,
) -> Symbols:
    """All symbols of a picture, (H, W, 3) or (H, W) uint8, at once; see :func:`encode_bands`."""
    parts = list(encode_bands(engine, picture, position, effort, progress, fit, tile_side))
    if len(parts) == 1:
        return parts[0]
    z, indices, r = (np.concatenate([getattr(part, name) for part in parts], 1) for name in ("z", "indices", "r"))
    return Symbols(z, indices, r)


def encode_bands(
    engine: Engine,
    picture: NDArray[np.uint8],
    position: int,
    effort: Effort,
    progress: Progress | None = None,
    fit: FilterFit | None = None,
    tile_side: int = 0,
) -> Iterator[Symbols]:
    """The symbols of a picture in bands from top to bottom, one band if it is small.

    Only the latents of three bands are in memory: z of a band is known once y of the next one is, and r once z is
    known a little beyond the band.

    Args:
        picture: (H, W, 3) or (H, W) uint8.
        position: quality position.
        effort: how symbols are chosen.
        progress: called with the share of the work done.
        fit: the picture filter, if there will be one; efforts with corrections tell it what they decode to.
        tile_side: of the tiles of the file, in latents; 0 if there is one tile.
    """
    picture = picture.reshape(*picture.shape[:2], -1)
    height, width = picture.shape[:2]
    grey = picture.shape[2] == 1
    rows, cols = -(-height // STRIDE), -(-width // STRIDE)
    cell_rows, cell_cols = -(-rows // CELL), -(-cols // CELL)
    parts = bands(cell_rows, cell_cols)
    z = np.empty((engine.weights.config.hyper, cell_rows, cell_cols), np.int16)
    known = 0  # rows of z
    y, top = None, 0  # latents of the cells from row `top` on
    waiting: list[Window] = []
    tiles = TileTables(tile_side)
    for done, band in enumerate(parts):
        new = engine.analyse(picture, position, _part_of(progress, done, len(parts)), band)
        y = new if y is None else _joined(y, new)
        del new
        waiting.append(band)
        ready = cell_rows if done + 1 == len(parts) else band.bottom - HYPER_HALO
        start = max(top, known - HYPER_HALO)
        fresh = engine.hyper_analyse(y[:, (start - top) * CELL :], position, grey)
        z[:, known:ready] = fresh[:, known - start : ready - start]
        if effort.hyper_steps:
            refine_rows(engine, y, z, top, range(known, ready), position, grey=grey, steps=effort.hyper_steps)
        known = ready
        while waiting and known >= min(cell_rows, waiting[0].bottom + BAND_HALO):
            core = waiting.pop(0)
            yield _encode_band(engine, picture, y, top, z, core, position, effort, fit, tiles)
            keep = max(top, core.bottom - BAND_HALO)
            # A copy, so that the rows above are freed.
            y, top = interleaved(y.permute(1, 2, 0)[(keep - top) * CELL :].clone()), keep


@torch.inference_mode(False)  # a caller may be in it, and foresight needs gradients
def _encode_band(
    engine: Engine,
    picture: NDArray[np.uint8],
    y: Tensor,
    top: int,
    z: NDArray[np.int16],
    core: Window,
    position: int,
    effort: Effort,
    fit: FilterFit | None,
    tiles: TileTables,
) -> Symbols:
    """Symbols of the cells of ``core``, from y (of the cells from row ``top`` on) and all of z."""
    rows, cols = (-(-side // STRIDE) for side in picture.shape[:2])
    outer = core.grown(BAND_HALO, *z.shape[1:])
    around = outer.scaled(CELL, rows, cols)
    indices = engine.indices(z, position, rows, cols, outer, grey=picture.shape[2] == 1)
    part = y[:, (outer.top - top) * CELL :][:, : indices.shape[1]]
    pixels = picture[around.top * STRIDE : around.bottom * STRIDE]
    if engine.weights.distortion == "mse" and _is_graphic(pixels):
        effort = effort.for_graphics()
    quantiser = engine.quantiser(position, effort, picture.shape[2])
    # They take more memory than they save time in what has many windows.
    known: Contexts | None = {} if math.prod(outer.shape) <= WHOLE_CELLS else None
    choice = tiles.choice(around, core.scaled(CELL, rows, cols))
    r, indices = engine.quantise(part, z[outer.slices], indices, quantiser, known, choice)
    chosen = Choice(pixels, part, z[outer.slices], indices, r, position, known)
    if effort.passes:
        chosen = _corrected(engine, chosen, quantiser, effort, None if effort.descents else fit)
    elif effort.fits and fit is not None:
        decoded_error(engine, chosen, fit)
    r = chosen.r
    if effort.descents:
        r = descended(engine, chosen, quantiser=quantiser, passes=effort.descents, fit=fit)
    inner = core.scaled(CELL, rows, cols).within(around)[1:]
    return Symbols(z[core.slices], indices[inner], r[inner])


def _corrected(engine: Engine, choice: Choice, quantiser: Quantiser, effort: Effort, fit: FilterFit | None) -> Choice:
    """The cheapest of the symbols given and of those after each correction.

    Corrections follow the linear path of the synthesis. On saturated graphics the network beside it is far from small,
    so that a correction may do harm: each is decoded before it is taken, and the first that costs more is the last.
    """
    best, least, best_fit = choice, math.inf, fit
    for left in range(effort.passes, -1, -1):
        now = fit.fresh() if fit else None
        if left:
            moved, error = corrected(engine, choice, step=effort.step, foresight=effort.foresight, fit=now)
        else:
            error = decoded_error(engine, choice, now)
        cost = choice.cost(engine, error)
        if cost >= least:
            break
        best, least, best_fit = choice, cost, now
        if left:
            choice = choice.moved(engine, moved, quantiser)
    if fit and best_fit:
        fit.include(best_fit)
    return best


def _is_graphic(pixels: NDArray[np.uint8]) -> bool:
    """Whether pixels, (H, W, C), have hard edges or flat areas as text and drawings do.

    The analysis transform is so far from the best latents of a graphic that every effort corrects them. Every other row
    and column counts.
    """
    hard = flat = total = 0
    for lines in (pixels[::2], pixels[:, ::2].swapaxes(0, 1)):
        step = np.abs(np.diff(lines.astype(np.int16), axis=1)).max(2)
        hard += int((step >= _HARD_EDGE).sum())
        flat += int((step == 0).sum())
        total += step.size
    return hard > _HARD_EDGES * total or flat > _FLAT * total


def _joined(above: Tensor, below: Tensor) -> Tensor:
    """Rows of latents one below the other, channels last in memory."""
    return interleaved(torch.cat([above.permute(1, 2, 0), below.permute(1, 2, 0)]))


def _part_of(progress: Progress | None, done: int, total: int) -> Progress | None:
    """Progress of one of several equal parts."""
    return (lambda share: progress((done + share) / total)) if progress else None
