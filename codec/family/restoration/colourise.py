"""Colourise grey pictures of any size."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from aez.codec.family.colouriser import STRIDE, Colouriser, to_rgb
from aez.codec.family.members import load_family
from aez.codec.family.restoration.pixels import Pixels, changed, mirrored, with_samples
from aez.codec.picture.picture import Picture
from aez.codec.runtime.torch.device import choose_device

LONG_SIDE = 512
"""Longer side to which the network's input is reduced, about the scale of the training crops."""
SATURATION_MAX = 4.0
_BAND = 2**22
"""Pixels that are colourised at a time."""


def colourise(image: Pixels, *, saturation: float = 1.0, device: str = "auto") -> Pixels:
    """Colourise a grey picture with colours that a network predicts; they are pale where several are plausible.

    Args:
        image: a Pillow image of any mode, or an (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8 array. Only the luma of
            a colour picture is used.
        saturation: factor of chroma, from 0 (grey) to 4.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        RGB, or RGBA if there was alpha, of the same type as the input: a Pillow image with its metadata in ``info``
        (without a profile for grey), or an array.

    Raises:
        ValueError: saturation is out of range.
        AezError: the picture cannot be read, or there is no such device.
    """
    return changed(image, lambda picture: colourised(picture, saturation=saturation, device=device))


def colourised(picture: Picture, *, saturation: float = 1.0, device: str = "auto") -> Picture:
    """Colourise a :class:`Picture`; arguments as for :func:`colourise`."""
    if not 0 <= saturation <= SATURATION_MAX:
        raise ValueError(f"saturation must be from 0 to {SATURATION_MAX:g}, not {saturation}")
    model = load_family(Colouriser.NAME, str(choose_device(device)))
    assert isinstance(model, Colouriser)
    grey = picture.samples if picture.samples.ndim == 2 else np.asarray(Image.fromarray(picture.samples).convert("L"))
    coloured = with_colours(model, grey, saturation)
    if picture.samples.ndim == 3 or not picture.metadata.icc:
        return with_samples(picture, coloured)
    picture = replace(picture, metadata=replace(picture.metadata, icc=None))
    return with_samples(picture, coloured, "the profile is one for grey pictures and is left out")


def with_colours(model: Colouriser, grey: NDArray[np.uint8], saturation: float = 1.0) -> NDArray[np.uint8]:
    """Colourise (H, W) uint8 to (H, W, 3) uint8."""
    height, width = grey.shape
    share = min(1.0, LONG_SIDE / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    small = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC, reducing_gap=3))
    rows, cols = mirrored(size[1], STRIDE), mirrored(size[0], STRIDE)
    luma = torch.from_numpy(small[np.ix_(rows, cols)].astype(np.float32))[None, None] / 255 - 0.5
    with torch.inference_mode():
        chroma = model(luma.to(next(model.parameters()).device))[0].cpu().numpy() * saturation
    planes = [Image.fromarray(plane) for plane in chroma]
    # Size of a pixel in samples of chroma.
    step = (chroma.shape[1] / len(rows)) * size[1] / height, (chroma.shape[2] / len(cols)) * size[0] / width
    out = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, max(1, _BAND // width)):
        bottom = min(height, top + max(1, _BAND // width))
        box = 0.0, top * step[0], width * step[1], bottom * step[0]
        parts = [np.asarray(p.resize((width, bottom - top), Image.Resampling.BILINEAR, box=box)) for p in planes]
        colour = torch.from_numpy(np.stack(parts))[None]
        band = torch.from_numpy(grey[top:bottom].astype(np.float32))[None, None] / 255 - 0.5
        levels = ((to_rgb(band, colour)[0].permute(1, 2, 0) + 0.5) * 255).round().clamp(0, 255)
        out[top:bottom] = levels.to(torch.uint8).numpy()
    return out
