"""Correct latents for the picture at hand, by what the decoder makes of the symbols chosen so far.

The analysis transform gives every picture the latents that are best on average. Here the decoded picture is compared
with the original, and each latent moves to where its own part of the error vanishes: a Newton step on the distortion
with the diagonal of its Hessian, which is nearly all of it since the synthesis is nearly linear and orthogonal.
Quantising again weighs rate against distortion, so the two together are a proximal gradient descent.

A model of what is seen follows the slope of its own distortion instead, through the same linear path. One short step
already moves those latents to the other side of a rounding threshold that matter most.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aez.bitstream.header import LATENT_STRIDE
from aez.bitstream.runs import NOT_CODED
from aez.codec.encoding.candidate import Candidate, Measured
from aez.codec.encoding.distortion import Errors, errors_of
from aez.codec.encoding.filter_fit import FilterFit
from aez.codec.encoding.prediction import Prediction
from aez.codec.encoding.quantising import BAND_HEIGHT
from aez.codec.encoding.setting import Setting
from aez.codec.geometry.grid import CELL
from aez.codec.geometry.windows import WHOLE_CELLS, Window, cell_windows
from aez.codec.model.scales import LEVELS, ladder
from aez.codec.picture.depth import Samples, levels_of
from aez.codec.runtime.means import Area, whole_cells
from aez.codec.runtime.networks import Array, Floats
from aez.codec.threads import each, shares

_WINDOW_CELLS = 320
"""Cells of a window of large pictures, as in ``cell_windows``: errors and filtered levels take memory, too."""
_STEEPNESS = np.zeros(256, np.float32)
"""Slope of the bits of an element by its mean, over the distance from the mean, for each table; 0 if not coded."""
_STEEPNESS[:LEVELS] = 1 / (math.log(2) * (np.square(ladder()) + 1 / 12))


def corrected(setting: Setting, candidate: Candidate, fit: FilterFit | None) -> Measured:
    """Measure a candidate, and find the latents that would decode to the pixels by the synthesis's linear path.

    Errors that the filter will remove do not move the latents. Steps after the first start from what the linear path
    predicts for the symbols that the step before gave.

    Args:
        setting: the steps of the correction, and whether it counts the bits that symbols of the first step cause in the
            second.
        candidate: the symbols so far.
        fit: the picture filter, fitted to nothing, if there will be one.
    """
    first, *more = setting.effort.steps
    total, moved, host = 0.0, np.empty(candidate.y.shape, np.float32), setting.networks.host
    prediction = Prediction(candidate) if more else None
    for part in _decoded(setting, candidate, fit):
        fit = part.fit
        y_hat = host(part.y_hat)[0][part.core.index_in(part.around)]
        errors = errors_of(setting, part.levels, candidate.pixels, part.core, part.core, part.around)
        total += errors.total
        moved[part.core.index] = _moved(setting, candidate, first, errors, part.core, part.area, y_hat)
        if prediction is not None:
            prediction.keep(part.core, part.around, part.levels, y_hat)
    if prediction is not None:
        now = candidate
        for step in more:
            now = now.moved(setting, moved)
            prediction.follow(setting, now)
            for core, around in _windows(setting, now):
                levels = prediction.levels[around.finer(LATENT_STRIDE).pixel_index]
                errors = errors_of(setting, levels, now.pixels, core, core, around)
                area = now.means.area(core.coarser(CELL))
                moved[core.index] = _moved(setting, now, step, errors, core, area, prediction.y_hat[core.index])
    return Measured(candidate, total, fit, moved)


def _moved(
    setting: Setting, candidate: Candidate, step: float, errors: Errors, core: Window, area: Area, y_hat: Floats
) -> Floats:
    """Return the latents of a window after one step.

    Args:
        setting: whether the step has foresight.
        candidate: the symbols so far.
        step: share of the way to where the errors vanish.
        errors: of ``core``.
        core: latents.
        area: mean context of ``core`` and what depends on it.
        y_hat: of ``core``.
    """
    slope = setting.networks.project(errors.patches(), candidate.pixels.shape[2])
    pull = np.ascontiguousarray(slope.T).reshape(-1, *core.shape) * setting.response
    if setting.effort.foresight:
        pull = pull + foreseen(setting, candidate, area, core, pull)
    return interpolated(candidate.y[core.index], y_hat - pull, step)


def measured(setting: Setting, candidate: Candidate, fit: FilterFit | None) -> Measured:
    """Measure what a candidate decodes to; ``fit`` is the picture filter, fitted to nothing, if there will be one."""
    total = 0.0
    for part in _decoded(setting, candidate, fit):
        fit = part.fit
        total += errors_of(setting, part.levels, candidate.pixels, part.core, part.core, part.around).total
    return Measured(candidate, total, fit)


@dataclass(frozen=True, eq=False)
class _Part:
    """A decoded window.

    Attributes:
        core: latents of the window.
        around: latents that were decoded, ``core`` and its halo.
        y_hat: of ``around``.
        area: mean context of ``core`` and what depends on it.
        levels: of ``around``, behind the picture filter, (rows, columns, C).
        fit: the picture filter, fitted to this window and all before it.
    """

    core: Window
    around: Window
    y_hat: Array
    area: Area
    levels: Floats
    fit: FilterFit | None


def _decoded(setting: Setting, candidate: Candidate, fit: FilterFit | None) -> Iterator[_Part]:
    """Decode a candidate, window by window."""
    networks, point, means = setting.networks, setting.point, candidate.means
    for core, around in _windows(setting, candidate):
        y_hat, area = means.reconstruct(around, candidate.r[means.grid.reach(around).index])
        levels = networks.synthesise(y_hat, point.position, candidate.pixels.shape[2])
        levels, fit = filtered_levels(setting, levels, candidate.pixels, core, around, fit)
        yield _Part(core, around, y_hat, area, networks.host(levels), fit)


def _windows(setting: Setting, candidate: Candidate) -> Iterator[tuple[Window, Window]]:
    """Yield the latents of each window of a correction, and those with their halo."""
    grid = candidate.means.grid
    # The slope of the perceptual distortion takes three times the memory of errors.
    whole = _WINDOW_CELLS if setting.perceptual else WHOLE_CELLS
    for cells in cell_windows(grid.cells, height=BAND_HEIGHT, size=_WINDOW_CELLS, whole=whole):
        core = grid.latents_of(cells)
        yield core, grid.grown(core, setting.point.weights.pixel_halo)


def filtered_levels(
    setting: Setting,
    levels: Array,
    pixels: Samples,
    core: Window,
    around: Window,
    fit: FilterFit | None,
) -> tuple[Array, FilterFit | None]:
    """Apply the filter that suits a window best.

    Args:
        setting: the networks.
        levels: (rows, columns, C), those of the latents ``around``.
        pixels: (H, W, C), the whole picture.
        core: latents of the window.
        around: ``core`` and its halo.
        fit: the picture filter, fitted to all windows before; None for none.

    Returns:
        The filtered levels, and the filter fitted to this window, too.
    """
    if fit is None:
        return levels.clip(0, 255), None
    inner = core.moved(around)
    original = levels_of(pixels[core.finer(LATENT_STRIDE).pixel_index])
    here = fit.of(
        setting.networks.filter_moments(levels, inner.top * LATENT_STRIDE, inner.left * LATENT_STRIDE, original)
    )
    levels = levels.clip(0, 255) if here.weights is None else setting.networks.filter(levels, here.weights)
    return levels, fit + here


def interpolated(start: Floats, end: Floats, share: float) -> Floats:
    """Go some share of the way from one array to another, rounded once."""
    step = float(np.float32(share) - np.float32(1))
    moved: Floats = (step * (end - start).astype(np.float64) + end).astype(np.float32)
    return moved


def foreseen(setting: Setting, candidate: Candidate, area: Area, core: Window, pull: Floats) -> Floats:
    """Find how much further ŷ of the first step should go for what it causes in the second.

    Coded elements of the second step cost (y − μ)² / (2 ln 2 · (σ² + 1/12)) bits, those not coded the distortion that
    their mean makes.

    Args:
        setting: the networks.
        candidate: the symbols so far.
        area: mean context of ``core`` and what depends on it.
        core: latents.
        pull: (M, rows, columns) of ``core``, what the distortion alone asks for.

    Returns:
        Of the shape of ``pull``, to be added to it.
    """
    seen, inside = area.window.index, core.index_in(area.window)
    # Beyond the picture nothing is coded, and the distortion has no slope.
    tables = whole_cells(candidate.indices[seen], area.window, NOT_CODED)
    wanted = whole_cells(candidate.y[seen], area.window)
    mean, slope = setting.networks.second_mean_slope(area.context, whole_cells(candidate.r[seen], area.window))
    worth = 2 * setting.worth
    by_mean = mean - wanted

    def one(rows: slice) -> None:
        by_mean[:, rows] *= _STEEPNESS[tables[:, rows]]

    each(one, shares(by_mean.shape[1]))
    np.copyto(by_mean[inside], pull * worth, where=tables[inside] == NOT_CODED)
    return slope(by_mean)[inside] / worth
