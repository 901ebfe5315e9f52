"""Turn pictures for display, as their orientation says."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.codec.picture.metadata.chunks import with_orientation, without_thumbnails
from aez.codec.picture.metadata.resolution import transposed
from aez.codec.picture.picture import Picture

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as it is meant to be seen."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def upright(picture: Picture) -> Picture:
    """Turned as it is meant to be seen, its orientation 1, also where EXIF or XMP state one.

    Thumbnails, which would lie on their side, are left out.
    """
    if picture.orientation == 1:
        return picture
    metadata = without_thumbnails(with_orientation(picture.metadata, 1))
    if metadata.exif and picture.orientation >= 5:
        metadata = replace(metadata, exif=transposed(metadata.exif))
    return replace(
        picture,
        samples=_turned_array(picture.samples, picture.orientation),
        alpha=None if picture.alpha is None else _turned_array(picture.alpha, picture.orientation),
        orientation=1,
        metadata=metadata,
    )


def _turned_array(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)
