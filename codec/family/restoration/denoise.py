"""Remove noise from pictures of any size."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.family.denoiser import STRIDE, Denoiser
from aez.codec.family.members import load_family
from aez.codec.family.ranges import SIGMA_MAX
from aez.codec.family.restoration.noise import noise_level
from aez.codec.family.restoration.pixels import (
    Pixels,
    changed,
    mirrored,
    squares,
    to_samples,
    to_tensor,
    with_samples,
)
from aez.codec.geometry.windows import Progress, Window
from aez.codec.picture.alpha.fill import filled
from aez.codec.picture.picture import Picture
from aez.codec.runtime.torch.device import choose_device

WINDOW = 768
"""Side of windows, in pixels; smaller windows compute more halo, larger ones take more memory."""
WHOLE = 2**20
"""Largest number of pixels of a picture that is processed as one window."""
EFFORTS = (1, 2, 4, 8)
"""Number of turned and mirrored copies that are averaged, by effort."""
# Quarter turns, and whether a copy is mirrored first; the turns in every prefix are spread evenly.
_COPIES = ((0, False), (1, True), (2, False), (3, True), (0, True), (1, False), (2, True), (3, False))


def denoise(image: Pixels, sigma: float | None = None, *, effort: int = 0, device: str = "auto") -> Pixels:
    """Remove the noise of a picture.

    The network was trained on Gaussian noise that is independent between pixels and colours, rounded and clipped to 8
    bits. Alpha is kept unchanged. Wholly transparent pixels are filled with a smooth continuation of the visible ones.

    Args:
        image: a Pillow image of any mode, or an (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8 array.
        sigma: standard deviation of the noise in levels of 0 … 255, 0 to 60; None to estimate it, up to 60
            (:func:`aez.codec.family.restoration.noise.noise_level`).
        effort: 0 to 3: average the results of 1, 2, 4 or 8 turned and mirrored copies, which takes as many times
            longer.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The picture in the type of the input: a Pillow image with its metadata in ``info``, or an array.

    Raises:
        ValueError: sigma or effort is out of range.
        AezError: the picture cannot be read, or there is no such device.
    """
    return changed(image, lambda picture: denoised(picture, sigma, effort=effort, device=device))


def denoised(
    picture: Picture,
    sigma: float | None = None,
    *,
    effort: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> Picture:
    """Denoise a :class:`Picture`; ``progress`` is called with the share of work done; otherwise as :func:`denoise`."""
    if not 0 <= effort < len(EFFORTS):
        raise ValueError(f"effort must be from 0 to {len(EFFORTS) - 1}, not {effort}")
    if sigma is not None and not 0 <= sigma <= SIGMA_MAX:
        raise ValueError(f"sigma must be from 0 to {SIGMA_MAX:g}, not {sigma}")
    alpha = picture.alpha
    if sigma is None:
        sigma = min(SIGMA_MAX, noise_level(picture.samples, None if alpha is None else alpha > 0))
    if sigma == 0:
        return picture
    model = load_family(Denoiser.NAME, str(choose_device(device)))
    assert isinstance(model, Denoiser)
    samples = picture.samples if alpha is None else filled(picture.samples, alpha)
    return with_samples(picture, without_noise(model, samples, sigma, EFFORTS[effort], progress))


def without_noise(
    model: Denoiser,
    samples: NDArray[np.uint8],
    sigma: float,
    copies: int = 1,
    progress: Progress | None = None,
    *,
    window: int = WINDOW,
    whole: int = WHOLE,
) -> NDArray[np.uint8]:
    """Denoise samples in windows, with a halo as wide as the network's receptive field, so that there are no seams.

    Args:
        model: model on any device.
        samples: (H, W) or (H, W, 3) uint8.
        sigma: standard deviation of the noise, in levels.
        copies: number of turned and mirrored copies that are averaged, 1 to 8.
        progress: called with the share of the work done.
        window: side of windows, in pixels.
        whole: largest number of pixels of a picture that is processed as one window.
    """
    height, width = samples.shape[:2]
    rows, cols = mirrored(height, STRIDE), mirrored(width, STRIDE)
    out = np.empty_like(samples)
    todo = list(squares(len(rows), len(cols), window, whole))
    for number, core in enumerate(todo):
        area = core.grown(model.halo, len(rows), len(cols))
        x = to_tensor(samples[np.ix_(rows[area.top : area.bottom], cols[area.left : area.right])])
        y = _averaged(model, x.to(next(model.parameters()).device), sigma, copies)
        _keep(out, to_samples(y[core.index_in(area)], samples.ndim == 2), core)
        if progress:
            progress((number + 1) / len(todo))
    return out


def _keep(out: NDArray[np.uint8], part: NDArray[np.uint8], core: Window) -> None:
    """Copy a window, without the part beyond the picture, to the output."""
    target = out[core.top : core.bottom, core.left : core.right]
    target[:] = part[: target.shape[0], : target.shape[1]]


@torch.inference_mode()
def _averaged(model: Denoiser, x: Tensor, sigma: float, copies: int) -> Tensor:
    """Average the results of copies, each turned back."""
    level = torch.full((1,), sigma, dtype=torch.float32, device=x.device)
    total = torch.zeros_like(x)
    for turns, mirror in _COPIES[:copies]:
        turned = torch.rot90(x.flip(3) if mirror else x, turns, (2, 3))
        back = torch.rot90(model(turned, level), -turns, (2, 3))
        total += back.flip(3) if mirror else back
    return total / copies
