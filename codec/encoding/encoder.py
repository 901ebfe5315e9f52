"""Choose all symbols of a picture, band by band."""

import functools
import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aez.codec.encoding.analysis import analysed
from aez.codec.encoding.candidate import Candidate, Measured
from aez.codec.encoding.corrections import corrected, measured
from aez.codec.encoding.descent import descended
from aez.codec.encoding.filter_fit import FilterFit
from aez.codec.encoding.graphics import is_graphic
from aez.codec.encoding.hyper import HYPER_HALO, hyper_analysed, refine_rows
from aez.codec.encoding.quantising import BAND_HALO, quantised
from aez.codec.encoding.setting import Setting
from aez.codec.encoding.thresholds import TableChoice, TileTables
from aez.codec.geometry.grid import CELL, Grid
from aez.codec.geometry.windows import WHOLE_CELLS, Progress, Window, bands
from aez.codec.picture.depth import Samples
from aez.codec.runtime.means import Means
from aez.codec.runtime.networks import Floats
from aez.codec.symbols.symbols import Symbols

UNTILED_LATENTS = WHOLE_CELLS * CELL**2
"""Pictures of up to so many latent positions (3.1 megapixels) have one tile; larger ones tiles of 2**6 a side."""
TILE_LOG2 = 6
_DOUBTFUL = 1e-4
"""Squared error of a sample / 255, that of 40 dB, below which a correction is always verified."""


@dataclass(frozen=True, eq=False)
class EncodedBand:
    """Symbols of a band of a picture.

    Attributes:
        symbols: of the band; z, indices and r.
        fit: the picture filter fitted to the band; None if the model has none or the effort does not fit it.
    """

    symbols: Symbols
    fit: FilterFit | None


def default_tile_log2(grid: Grid) -> int:
    """Return the size of tiles that a picture has unless its encoder is told otherwise, as in the header."""
    return 0 if grid.rows * grid.cols <= UNTILED_LATENTS else TILE_LOG2


def tile_side(tile_log2: int) -> int:
    """Return the side of tiles in latents; 0 if there is one tile."""
    return 1 << tile_log2 if tile_log2 else 0


def encode(setting: Setting, picture: Samples, side: int = 0, progress: Progress | None = None) -> EncodedBand:
    """Choose all symbols of a picture, (H, W, 3) or (H, W), at once; see :func:`encode_bands`."""
    parts = list(encode_bands(setting, picture, side, progress))
    if len(parts) == 1:
        return parts[0]
    return EncodedBand(Symbols.joined([part.symbols for part in parts]), joined_fit([part.fit for part in parts]))


def joined_fit(fits: list[FilterFit | None]) -> FilterFit | None:
    """Return the picture filter fitted to all bands; None if there is none."""
    known = [fit for fit in fits if fit is not None]
    return functools.reduce(operator.add, known) if known else None


def encode_bands(
    setting: Setting,
    picture: Samples,
    side: int = 0,
    progress: Progress | None = None,
    *,
    graphics: bool = True,
) -> Iterator[EncodedBand]:
    """Choose the symbols of a picture in bands from top to bottom; a small picture is one band.

    Only the latents of three bands are in memory: z of a band is known once y of the next one is, and r once z is
    known a little beyond the band.

    Args:
        setting: the model at the picture's quality, its networks, and the effort.
        picture: (H, W, 3) or (H, W) of any depth.
        side: of the tiles of the file, in latents; 0 if there is one tile.
        progress: called with the share of the work done.
        graphics: recognise graphics and choose their symbols otherwise; not beneath a layer, which has them.
    """
    picture = picture.reshape(*picture.shape[:2], -1)
    grid = Grid(*picture.shape[:2])
    parts = bands(grid.cell_rows, grid.cell_cols)
    z = np.empty((setting.point.weights.config.hyper, grid.cell_rows, grid.cell_cols), np.int16)
    known = 0  # rows of z
    y, top = None, 0  # latents of the cells from row `top` on
    waiting: list[Window] = []
    coder = _BandCoder(setting, picture, z, TileTables(side), graphics)
    for done, band in enumerate(parts):
        new = analysed(setting, picture, band, _part_of(progress, done, len(parts)))
        y = new if y is None else _joined(y, new)
        del new
        waiting.append(band)
        ready = grid.cell_rows if done + 1 == len(parts) else band.bottom - HYPER_HALO
        start = max(top, known - HYPER_HALO)
        fresh = hyper_analysed(setting, y[:, (start - top) * CELL :])
        z[:, known:ready] = fresh[:, known - start : ready - start]
        if setting.effort.hyper_steps:
            refine_rows(setting, y, z, top, range(known, ready))
        known = ready
        while waiting and known >= min(grid.cell_rows, waiting[0].bottom + BAND_HALO):
            core = waiting.pop(0)
            yield coder.encode(y, top, core)
            keep = max(top, core.bottom - BAND_HALO)
            # A copy, so that the rows above are freed.
            y, top = y[:, (keep - top) * CELL :].copy(), keep


class _BandCoder:
    """Chooses r of the bands of one picture."""

    def __init__(
        self, setting: Setting, picture: Samples, z: NDArray[np.int16], tiles: TileTables, graphics: bool
    ) -> None:
        """Begin a picture.

        Args:
            setting: the model at the picture's quality, its networks, and the effort.
            picture: (H, W, C).
            z: (Z, h, w), of the whole picture; known where a band needs it.
            tiles: decides which tables each tile codes.
            graphics: recognise graphics.
        """
        self.setting, self.picture, self.z, self.tiles, self.graphics = setting, picture, z, tiles, graphics
        self.grid = Grid(*picture.shape[:2])

    def encode(self, y: Floats, top: int, core: Window) -> EncodedBand:
        """Choose r of the cells of ``core``, from y of the cells from row ``top`` on."""
        grid, setting = self.grid, self.setting
        outer = grid.grown_cells(core, BAND_HALO)
        around, inner = grid.latents_of(outer), grid.latents_of(core)
        pixels = self.picture[grid.pixels_of(around).pixel_index]
        graphic = self.graphics and is_graphic(pixels)
        if graphic:
            setting = setting.for_graphics()
        z = self.z[outer.index]
        means = Means(setting.networks, z, Grid(*pixels.shape[:2]), keep=True)
        indices = setting.point.indices(self.z, grid, outer)
        part = y[:, around.top - top * CELL :][:, : around.shape[0]]
        seen = setting.point.weights.distortion == "perceptual"
        choice = self.tiles.choice(around, inner, additional=graphic or not seen)
        r = quantised(setting, part, means, indices, choice)
        start = Candidate(pixels, part, means, indices, r)
        if seen and choice.lowered:
            start = self._compared(setting, start, choice)
        found, fit = self._searched(setting, start)
        inside = inner.index_in(around)
        return EncodedBand(Symbols(self.z[core.index], found.indices[inside], found.r[inside]), fit)

    def _compared(self, setting: Setting, lowered: Candidate, choice: TableChoice) -> Candidate:
        """Return symbols with additional tables only if the decoded picture is worth their bits."""
        first = setting.quantiser.first_coded
        indices = choice.without(lowered.indices, first)
        plain = replace(lowered, indices=indices, r=quantised(setting, lowered.y, lowered.means, indices))
        less, more = (
            one.cost(setting, measured(setting, one, self._unfitted(setting)).error) for one in (plain, lowered)
        )
        if more < less:
            return lowered
        choice.withdraw(first)
        return plain

    def _unfitted(self, setting: Setting) -> FilterFit | None:
        """Return the picture filter, fitted to nothing; None if the model has none."""
        return None if setting.point.filter is None else FilterFit(setting.point.filter)

    def _searched(self, setting: Setting, candidate: Candidate) -> tuple[Candidate, FilterFit | None]:
        """Return the best candidate that the effort finds, and the picture filter fitted to it."""
        effort, fit = setting.effort, self._unfitted(setting)
        if effort.descents:
            start = _corrected(setting, candidate, fit)[0] if effort.passes else candidate
            found = descended(setting, start, fit)
            return found.candidate, found.fit
        return _corrected(setting, candidate, fit) if effort.passes else (candidate, fit)


def _corrected(setting: Setting, candidate: Candidate, fit: FilterFit | None) -> tuple[Candidate, FilterFit | None]:
    """Return the cheapest of the symbols given and of those after each correction, and the picture filter.

    Corrections follow the linear path of the synthesis. On saturated graphics the network beside it is far from small,
    so that a correction may do harm: each is decoded before it is taken, and the first that costs more is the last. The
    last correction of an effort that is not verified is taken as it is, with the filter of the one before, unless the
    picture is so near its original already that little is to be gained.
    """
    best, least = None, math.inf
    for left in range(setting.effort.passes, -1, -1):
        now = corrected(setting, candidate, fit) if left else measured(setting, candidate, fit)
        if now.target is not None and left == 1 and not setting.effort.verified and _is_sure(setting, now):
            return candidate.moved(setting, now.target), now.fit
        cost = candidate.cost(setting, now.error)
        if best is not None and cost >= least:
            break
        best, least = now, cost
        if now.target is not None:
            candidate = candidate.moved(setting, now.target)
    assert best is not None  # the range is never empty
    return best.candidate, best.fit


def _is_sure(setting: Setting, now: Measured) -> bool:
    """Return True if a correction hardly does harm: it is a short step, or there is much error."""
    return setting.perceptual or now.error > _DOUBTFUL * now.candidate.pixels.size


def _joined(above: Floats, below: Floats) -> Floats:
    """Put latents one below the other."""
    return np.concatenate([above, below], 1)


def _part_of(progress: Progress | None, done: int, total: int) -> Progress | None:
    """Return the progress of one of several equal parts."""
    return (lambda share: progress((done + share) / total)) if progress else None
