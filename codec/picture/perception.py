"""The perceptual distortion of a decoded picture and its slope, without torch.

The same as :mod:`aez.codec.networks.perception`, which describes it; here with derivatives written out, for encoders.
"""

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aez.codec.picture import ms_ssim, ssimulacra2
from aez.codec.picture.contrast import contrast_slope
from aez.codec.picture.depth import Levels
from aez.codec.picture.linear_light import to_linear_slope
from aez.codec.picture.ssimulacra2_slope import error_slope
from aez.codec.threads import in_parallel

Floats = NDArray[np.float32]
SSIMULACRA2_SHARE, MS_SSIM_SHARE, CONTRAST_SHARE, MSE_SHARE = 4.3e-5, 0.0096, 6e-6, 0.1
"""Weights of the parts."""


def perceptual_slope(levels: Floats, original: Levels, *, fine: bool = True) -> tuple[float, Floats]:
    """Compute the distortion of one decoded picture, and where it grows.

    A picture that is too small for MS-SSIM counts SSIMULACRA 2 twice, which is about as much; one that is too small for
    that has its squared error only.

    Args:
        levels: decoded samples, (H, W, C) float32, C = 1 or 3. Those beyond 0 … 255 are clipped for SSIMULACRA 2 and
            for contrast, and have the slope of the end of the range there.
        original: the same shape, levels as :func:`~aez.codec.picture.depth.levels_of` gives them.
        fine: count the errors of SSIMULACRA 2 and MS-SSIM in the full size, too, not only in half and smaller ones.
            They take most of the time; a step of an encoder gains as much without them.

    Returns:
        The distortion, and its slope by every sample / 255, times the number of samples: a change of all samples by a
        small amount changes the distortion by the mean of their products.
    """
    channels = levels.shape[2]
    x, y = (np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) for picture in (original, levels))
    difference = (y - x) * np.float32(1 / 255)
    square, slope = float(np.square(difference).mean(dtype=np.float64)), 2 * difference
    side = min(x.shape[1:])
    if side < ssimulacra2.SMALLEST_SIDE:
        return square, slope.transpose(1, 2, 0)
    small, first = side < ms_ssim.SMALLEST_SIDE, 0 if fine else 1
    # Both by the same function, so that equal pictures have no errors.
    (light, by_sample), original_light = to_linear_slope(y.clip(0, 255)), to_linear_slope(x)[0]
    work: list[Callable[[], tuple[float, Floats]]] = [
        functools.partial(error_slope, _in_colour(original_light), _in_colour(light), first),
        functools.partial(contrast_slope, original_light, light),
    ]
    if not small:
        work += [functools.partial(ms_ssim.similarity_slope, *pair, first) for pair in zip(x, y, strict=True)]
    (error, seen), (contrast, by_contrast), *similar = in_parallel(_called, work)
    if channels == 1:
        seen = seen.sum(0, keepdims=True)
    share = SSIMULACRA2_SHARE * (2 if small else 1)
    total = MSE_SHARE * square + share * error + CONTRAST_SHARE * contrast
    by_light = np.float32(share) * seen + np.float32(CONTRAST_SHARE) * by_contrast
    slope = MSE_SHARE * slope + np.float32(255 * slope.size) * by_light * by_sample
    for plane, (similarity, by_level) in zip(slope, similar, strict=False):
        total += MS_SSIM_SHARE * (1 - similarity) / channels
        plane -= np.float32(MS_SSIM_SHARE * 255 * slope.size / channels) * by_level
    return total, slope.transpose(1, 2, 0)


def _in_colour(x: Floats) -> Floats:
    return np.repeat(x, 3, 0) if len(x) == 1 else x


def _called(task: Callable[[], tuple[float, Floats]]) -> tuple[float, Floats]:
    return task()
