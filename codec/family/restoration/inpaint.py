"""Fill holes of a picture with content that is likely under the codec's entropy model."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from aez.bitstream.errors import ImageError
from aez.codec.family.restoration.biharmonic import biharmonic
from aez.codec.family.restoration.pixels import (
    Pixels,
    changed,
    mirrored,
    squares,
    to_samples,
    to_tensor,
    with_samples,
)
from aez.codec.family.restoration.prior import STRIDE, LatentPrior, load_prior
from aez.codec.geometry.windows import Progress, Window
from aez.codec.model.registry import PSNR_MODEL
from aez.codec.picture.alpha.fill import filled
from aez.codec.picture.picture import Picture
from aez.codec.runtime.torch.device import choose_device

MARGIN = 64
"""Pixels around a hole that the search takes into account."""
WINDOW = 512
"""Side of the windows of a large hole, in pixels; they are filled from top left to bottom right."""
QUALITY, STEPS, RATE, STRENGTH = 90.0, 60, 0.1, 8.0

Mask = Image.Image | NDArray[np.generic]


def inpaint(image: Pixels, mask: Mask, *, steps: int = STEPS, model: str = PSNR_MODEL, device: str = "auto") -> Pixels:
    """Fill the holes of a picture; every other pixel stays unchanged.

    Args:
        image: a Pillow image of any mode, or an (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8 array.
        mask: nonzero where pixels are missing. A Pillow image, or an (H, W) array of bool or integers, of the size of
            the picture as stored (a Pillow image is not turned as EXIF says).
        steps: steps of the search; 0 for the biharmonic continuation that it starts from.
        model: a packaged model's name or a weights file's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The picture in the type of the input: a Pillow image with its metadata in ``info``, or an array.

    Raises:
        ImageError: the mask has another size or shape, or covers the whole picture.
        AezError: the picture cannot be read, or there is no such model or device.
        ValueError: steps is negative.
    """
    missing = missing_pixels(mask)
    return changed(image, lambda picture: inpainted(picture, missing, steps=steps, model=model, device=device))


def missing_pixels(mask: Mask) -> NDArray[np.bool_]:
    """Convert a mask to (H, W) bool.

    Raises:
        ImageError: the mask is neither grey nor black and white, or an array of another shape.
    """
    if isinstance(mask, Image.Image):
        mask = np.asarray(mask.convert("L"))
    if mask.ndim != 2:
        raise ImageError(f"the mask must be one plane, (H, W), not an array of shape {mask.shape}")
    missing: NDArray[np.bool_] = mask != 0
    return missing


def inpainted(
    picture: Picture,
    missing: NDArray[np.bool_],
    *,
    steps: int = STEPS,
    model: str = PSNR_MODEL,
    device: str = "auto",
    progress: Progress | None = None,
) -> Picture:
    """Fill the holes of a :class:`Picture`; ``progress`` is called with the share of work done."""
    if steps < 0:
        raise ValueError(f"steps must not be negative, not {steps}")
    height, width = picture.samples.shape[:2]
    if missing.shape != (height, width):
        raise ImageError(
            f"the mask is of {missing.shape[1]}×{missing.shape[0]} pixels, the picture of {width}×{height}"
        )
    if missing.all():
        raise ImageError("the mask covers the whole picture: nothing is left to fill it from")
    if not missing.any():
        return with_samples(picture, picture.samples, "the mask is empty: there is nothing to fill")
    samples = filled(picture.samples, np.where(missing, 0, 255).astype(np.uint8))
    prior = load_prior(QUALITY, model, str(choose_device(device)))
    todo, missing = list(windows(missing)), missing.copy()
    for number, core in enumerate(todo):
        _fill(prior, samples, missing, core, steps)
        if progress:
            progress((number + 1) / len(todo))
    return with_samples(picture, samples)


def windows(missing: NDArray[np.bool_]) -> Iterator[Window]:
    """Yield the smallest windows that cover all holes, in raster order."""
    for square in squares(missing.shape[0], missing.shape[1], WINDOW, 0):
        rows, cols = np.nonzero(missing[square.top : square.bottom, square.left : square.right])
        if len(rows):
            yield Window(
                square.top + int(rows.min()),
                square.top + int(rows.max()) + 1,
                square.left + int(cols.min()),
                square.left + int(cols.max()) + 1,
            )


def _fill(prior: LatentPrior, samples: NDArray[np.uint8], missing: NDArray[np.bool_], core: Window, steps: int) -> None:
    """Fill one window of ``samples``, and remove it from ``missing``."""
    area = core.grown(MARGIN, missing.shape[0], missing.shape[1])
    rows, cols = (mirrored(side, STRIDE) for side in area.shape)
    part = (slice(area.top, area.bottom), slice(area.left, area.right))
    known = torch.from_numpy(~missing[part][np.ix_(rows, cols)]).float()[None, None]
    x = biharmonic(to_tensor(samples[part][np.ix_(rows, cols)]), known).clamp(-0.5, 0.5)
    if steps:
        given, known = x.to(prior.position.device), known.to(prior.position.device)

        def misfit(x_hat: Tensor) -> Tensor:
            return ((x_hat - given) * known).square().sum()

        x = prior.fit(given, misfit, steps=steps, rate=RATE, strength=STRENGTH)
    made = to_samples(x[:, :, : area.shape[0], : area.shape[1]], samples.ndim == 2)
    inner = core.pixel_index_in(area)
    inside = (slice(core.top, core.bottom), slice(core.left, core.right))
    hole = missing[inside]
    samples[inside][hole] = made[inner][hole]
    missing[inside] = False
