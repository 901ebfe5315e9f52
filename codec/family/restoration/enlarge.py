"""Enlarge pictures to twice the size so that their reduction is the original."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from aez.bitstream.errors import ImageError
from aez.bitstream.header import MAX_SIDE
from aez.codec.family.restoration.pixels import Pixels, changed, mirrored, squares, to_tensor
from aez.codec.family.restoration.prior import STRIDE, LatentPrior, load_prior, resize
from aez.codec.geometry.windows import Progress
from aez.codec.model.registry import PSNR_MODEL
from aez.codec.picture.picture import Picture
from aez.codec.runtime.torch.device import choose_device

FACTOR = 2
WINDOW = 384
"""Side of the windows of larger pictures, in pixels of the original."""
WHOLE = 2**18
"""Largest number of pixels of an original that is processed as one window."""
OVERLAP = 16
"""Pixels of the original on each side in which windows are blended; the window's input extends twice as far."""
QUALITY, STEPS, RATE, STRENGTH = 90.0, 40, 0.1, 1.0


def enlarge(image: Pixels, *, steps: int = STEPS, model: str = PSNR_MODEL, device: str = "auto") -> Pixels:
    """Enlarge a picture to twice the width and height.

    The result is, of all pictures whose reduction is the given one, the one with the lowest rate in the codec's entropy
    model. The reduction is Pillow's antialiased bicubic filter. Alpha is enlarged by bicubic interpolation alone.

    Args:
        image: a Pillow image of any mode, or an (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8 array.
        steps: steps of the search; 0 for bicubic interpolation.
        model: a packaged model's name or a weights file's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The picture at twice the size, in the type of the input: a Pillow image with its metadata in ``info``, or an
        array.

    Raises:
        ImageError: a side would be longer than 65535.
        AezError: the picture cannot be read, or there is no such model or device.
        ValueError: steps is negative.
    """
    return changed(image, lambda picture: enlarged(picture, steps=steps, model=model, device=device))


def enlarged(
    picture: Picture,
    *,
    steps: int = STEPS,
    model: str = PSNR_MODEL,
    device: str = "auto",
    progress: Progress | None = None,
) -> Picture:
    """Enlarge a :class:`Picture`; ``progress`` is called with the share of work done; otherwise as :func:`enlarge`."""
    if steps < 0:
        raise ValueError(f"steps must not be negative, not {steps}")
    height, width = (FACTOR * side for side in picture.samples.shape[:2])
    if max(height, width) > MAX_SIDE:
        raise ImageError(f"would be {width}×{height} pixels: sides are at most {MAX_SIDE}")
    alpha = picture.alpha
    if alpha is not None:
        alpha = np.asarray(Image.fromarray(alpha).resize((width, height), Image.Resampling.BICUBIC))
    if steps == 0:
        larger = np.asarray(Image.fromarray(picture.samples).resize((width, height), Image.Resampling.BICUBIC))
        return replace(picture, samples=larger, alpha=alpha)
    prior = load_prior(QUALITY, model, str(choose_device(device)))
    return replace(picture, samples=twice(prior, picture.samples, steps, progress), alpha=alpha)


def twice(
    prior: LatentPrior,
    samples: NDArray[np.uint8],
    steps: int,
    progress: Progress | None = None,
    *,
    window: int = WINDOW,
    whole: int = WHOLE,
) -> NDArray[np.uint8]:
    """Enlarge (H, W) or (H, W, 3) uint8 to (2·H, 2·W) or (2·H, 2·W, 3), in windows that are blended."""
    height, width = samples.shape[:2]
    grey = samples.ndim == 2
    todo = list(squares(height, width, window, whole))
    total = np.zeros((FACTOR * height, FACTOR * width, 1 if grey else 3), np.float32)
    for number, core in enumerate(todo):
        area = core.grown(2 * OVERLAP, height, width)
        part = samples[area.top : area.bottom, area.left : area.right]
        x = _twice(prior, to_tensor(part).to(prior.position.device), steps)[0]
        planes = (x.mean(0, keepdim=True) if grey else x).permute(1, 2, 0).cpu().numpy()
        outer = core.grown(OVERLAP, height, width)
        share = np.outer(
            _ramp(outer.top, outer.bottom, core.top, core.bottom), _ramp(outer.left, outer.right, core.left, core.right)
        )
        inner, at = (
            tuple(slice(FACTOR * s.start, FACTOR * s.stop) for s in place)
            for place in (outer.pixel_index_in(area), outer.pixel_index)
        )
        total[at] += planes[inner] * share[:, :, None]
        if progress:
            progress((number + 1) / len(todo))
    levels = (total[:, :, 0] if grey else total) + 0.5  # the weights of all windows add up to one
    return np.asarray((levels * 255).round().clip(0, 255).astype(np.uint8))


def _ramp(low: int, high: int, first: int, last: int) -> NDArray[np.float32]:
    """Return the blending weights of rows of a window, 2·low … 2·high − 1.

    In pixels of the original, the window without its overlap has the rows ``first`` to ``last``.
    """
    at = np.arange(FACTOR * low, FACTOR * high, dtype=np.float32) + 0.5
    rise = (at - FACTOR * first) / (2 * FACTOR * OVERLAP) + 0.5 if low < first else np.ones_like(at)
    fall = (FACTOR * last - at) / (2 * FACTOR * OVERLAP) + 0.5 if high > last else np.ones_like(at)
    return np.minimum(rise, fall).clip(0, 1).astype(np.float32)


def _twice(prior: LatentPrior, x: Tensor, steps: int) -> Tensor:
    """Enlarge (1, 3, H, W) to (1, 3, 2·H, 2·W), RGB / 255 − 1/2."""
    height, width = x.shape[2:]
    rows, cols = (torch.from_numpy(mirrored(side, STRIDE // FACTOR)).to(x.device) for side in (height, width))
    known = x[:, :, rows][:, :, :, cols]
    start = resize(known, FACTOR * len(rows), FACTOR * len(cols))

    def misfit(x_hat: Tensor) -> Tensor:
        return FACTOR**2 * (resize(x_hat, len(rows), len(cols)) - known).square().sum()

    found = prior.fit(start, misfit, steps=steps, rate=RATE, strength=STRENGTH)
    return found[:, :, : FACTOR * height, : FACTOR * width]
