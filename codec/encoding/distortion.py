"""The distortion of a decoded window, squared or perceptual, and the direction in which each sample should go."""

import math
from dataclasses import dataclass

import numpy as np

from aez.bitstream.header import LATENT_STRIDE
from aez.codec.encoding.setting import Setting
from aez.codec.geometry.windows import Window
from aez.codec.picture.depth import Samples, levels_of
from aez.codec.picture.perception import perceptual_slope
from aez.codec.runtime.networks import Floats

_LIMIT = 2.0
"""Largest slope that counts in full, over the mean of all."""


@dataclass(frozen=True, eq=False)
class Errors:
    """The distortion of a window, in the measure of the search.

    Attributes:
        total: sum of squares of samples / 255; of the perceptual distortion, itself times the number of samples.
        samples: (16·rows, 16·columns, C), decoded less original / 255, 0 beyond the picture. Of the perceptual
            distortion, its slope, without outliers, scaled to the power of the errors.
    """

    total: float
    samples: Floats

    def patches(self) -> Floats:
        """Return the samples as patches, (latents, 16²·C)."""
        rows, cols = (side // LATENT_STRIDE for side in self.samples.shape[:2])
        patches = self.samples.reshape(rows, LATENT_STRIDE, cols, -1).transpose(0, 2, 1, 3)
        return patches.reshape(rows * cols, -1)


def errors_of(setting: Setting, decoded: Floats, pixels: Samples, core: Window, wanted: Window, seen: Window) -> Errors:
    """Compare a decoded window with its original.

    Args:
        setting: the model.
        decoded: samples of the latents ``seen``, (rows, columns, C), 0 … 255.
        pixels: (H, W, C), the whole picture.
        core: latents that ``total`` is of.
        wanted: latents that ``samples`` are of.
        seen: latents.
    """
    if setting.perceptual:
        return _perceived(decoded, pixels, core, wanted, seen, fine=setting.effort.compares)
    error = _differences(decoded, pixels, wanted, seen)
    return Errors(squared(error[core.moved(wanted).finer(LATENT_STRIDE).pixel_index]), error)


def squared(error: Floats) -> float:
    """Return the sum of squares, in double precision."""
    return float(np.square(error).sum(dtype=np.float64))


def _differences(decoded: Floats, pixels: Samples, wanted: Window, seen: Window) -> Floats:
    """Return decoded less original samples / 255 of ``wanted``; 0 beyond the picture."""
    part = decoded[wanted.moved(seen).finer(LATENT_STRIDE).pixel_index]
    original = levels_of(pixels[wanted.finer(LATENT_STRIDE).pixel_index])
    height, width = original.shape[:2]
    error = np.zeros_like(part)
    error[:height, :width] = (part[:height, :width] - original) / np.float32(255)
    return error


def _perceived(decoded: Floats, pixels: Samples, core: Window, wanted: Window, seen: Window, *, fine: bool) -> Errors:
    """Return the perceptual errors. The distortion of ``core`` is taken to be that of ``seen``."""
    original = levels_of(pixels[seen.finer(LATENT_STRIDE).pixel_index])
    height, width = original.shape[:2]
    distortion, slope = perceptual_slope(decoded[:height, :width], original, fine=fine)
    square = squared(_differences(decoded, pixels, seen, seen)) / original.size
    error = np.zeros_like(decoded)
    # A few samples have slopes of a hundred times the mean, from roots and high powers: steps along them go too far.
    limit = _LIMIT * np.abs(slope).mean()
    slope = np.clip(slope, -limit, limit)
    power = squared(slope) / slope.size
    if power > 0:
        error[:height, :width] = slope * np.float32(math.sqrt(square / power))
    total = distortion * pixels[core.finer(LATENT_STRIDE).pixel_index].size
    return Errors(total, error[wanted.moved(seen).finer(LATENT_STRIDE).pixel_index])
