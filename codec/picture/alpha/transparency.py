"""Transparency by colour (one colour of the picture is transparent), and flattening on a background."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.codec.picture.depth import Samples, at_depth, is_deep
from aez.codec.picture.picture import Picture

BACKGROUND = (255, 255, 255)
_BAND = 2**24
"""Samples that are flattened at a time."""
Key = int | tuple[int, ...]
_GREY_LEVELS = {"L;2": 3, "L;4": 15}


def key_of(image: Image.Image) -> Key | None:
    """Return the transparent colour of a picture of mode 1, L or RGB as 8-bit samples; None if there is none.

    Pillow gives it as the PNG file states it, in the file's depth; the depth is known only until the pixels are loaded.
    """
    key = image.info.get("transparency")
    raw = _raw_modes(image)
    if image.mode in ("1", "L") and isinstance(key, int):
        top = next((top for mode, top in _GREY_LEVELS.items() if mode in raw), 255)
        return (key & top) * (255 // top)
    if image.mode == "RGB" and isinstance(key, tuple) and len(key) == 3:
        deep = any(";16" in mode for mode in raw) or (not raw and max(key) > 255)
        return tuple(value >> 8 if deep else value & 255 for value in key)
    return None


def _raw_modes(image: Image.Image) -> list[str]:
    """Return Pillow's raw modes, which describe the samples in the file of a picture that is not loaded yet."""
    words = [tile[3] if isinstance(tile[3], tuple) else (tile[3],) for tile in getattr(image, "tile", [])]
    return [word for arguments in words for word in arguments if isinstance(word, str)]


def opacity(samples: Samples, key: Key) -> NDArray[np.uint8]:
    """Return 0 where (H, W) or (H, W, 3) samples have the key colour, 255 elsewhere."""
    hit = samples == np.array(key, samples.dtype)
    return np.where(hit if samples.ndim == 2 else hit.all(2), 0, 255).astype(np.uint8)


def flattened(picture: Picture, background: tuple[int, int, int] = BACKGROUND) -> Picture:
    """Blend a picture with a background colour and drop alpha; grey pictures stay grey on a grey background."""
    if picture.alpha is None:
        return picture
    # 16 bits hold the product of two levels, 32 bits that of a level and a deep sample.
    wide: type[np.uint16] | type[np.uint32] = np.uint32 if is_deep(picture.samples) else np.uint16
    samples: Samples = picture.samples
    ground: Samples = at_depth(np.array(background, np.uint8), picture.depth).astype(wide)
    if samples.ndim == 2 and len(set(background)) > 1:
        samples = np.repeat(samples[:, :, None], 3, axis=2)
    out = np.empty_like(samples)
    colour = ground if samples.ndim == 3 else ground[0]
    rows = max(1, _BAND // (samples.shape[1] * 3))
    for top in range(0, len(samples), rows):
        band = slice(top, top + rows)
        alpha: Samples = picture.alpha[band].astype(wide)
        alpha = alpha[:, :, None] if samples.ndim == 3 else alpha
        out[band] = ((samples[band] * alpha + colour * (255 - alpha)).astype(np.uint32) + 127) // 255
    return replace(picture, samples=out, alpha=None)
