"""Read all bits of HEIC pictures of 10 and 12 bits per sample, of which Pillow's plugin gives 8."""

import importlib
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.codec.picture.depth import widened

_MODES = {"I;16": 1, "L;16": 1, "RGB;16": 3, "RGBA;16": 4}


def heif_depth(image: Image.Image) -> int:
    """Return the bits per sample that a HEIC file states; 8 for other files."""
    depth = image.info.get("bit_depth") if image.format == "HEIF" else None
    return depth if depth in (10, 12) else 8


def deep_heif(image: Image.Image) -> NDArray[np.uint16] | None:
    """Read the samples of an opened HEIC file of more than 8 bits; return None if it has 8.

    This must be called before the image is loaded, since the plugin then closes the file.

    Returns:
        (H, W, C) uint16 over the whole range of 16 bits, alpha last.

    Raises:
        OSError, ValueError, …: the file is damaged, as the plugin says.
    """
    depth, file = heif_depth(image), getattr(image, "fp", None)
    if depth == 8 or file is None or file.closed:
        return None
    before = file.tell()
    try:
        file.seek(0)
        data = io.BytesIO(file.read())
    finally:
        file.seek(before)
    frame = importlib.import_module("pillow_heif").open_heif(data, convert_hdr_to_8bit=False)[image.tell()]
    if frame.mode not in _MODES:
        return None
    samples = np.asarray(frame)
    # The plugin shifts samples to the upper bits.
    deep = widened(samples.astype(np.uint16) >> np.uint16(16 - depth), depth)
    out: NDArray[np.uint16] = deep.reshape(*samples.shape[:2], _MODES[frame.mode]).astype(np.uint16, copy=False)
    return out
