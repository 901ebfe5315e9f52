"""Transparency by colour: of grey and RGB pictures whose file names one colour that is not seen."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Key = int | tuple[int, ...]
_GREY_LEVELS = {"L;2": 3, "L;4": 15}


def key_of(image: Image.Image) -> Key | None:
    """The transparent colour of a picture of mode 1, L or RGB, as its 8-bit samples have it; None if there is none.

    Pillow leaves it as a PNG file states it, in the file's depth, which is known until the pixels are loaded.
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
    """How the samples lie in the file of a picture that is not loaded yet, in Pillow's words."""
    words = [tile[3] if isinstance(tile[3], tuple) else (tile[3],) for tile in getattr(image, "tile", [])]
    return [word for arguments in words for word in arguments if isinstance(word, str)]


def opacity(samples: NDArray[np.uint8], key: Key) -> NDArray[np.uint8]:
    """0 where (H, W) or (H, W, 3) samples have the colour, 255 elsewhere."""
    hit = samples == np.array(key, np.uint8)
    return np.where(hit if samples.ndim == 2 else hit.all(2), 0, 255).astype(np.uint8)
