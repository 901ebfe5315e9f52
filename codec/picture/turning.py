"""Turn pictures for display as their orientation says."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from aez.codec.picture.depth import Samples
from aez.codec.picture.metadata.chunks import with_orientation, without_thumbnails
from aez.codec.picture.metadata.resolution import transposed
from aez.codec.picture.picture import Picture

_Array = TypeVar("_Array", Samples, NDArray[np.uint8])


def upright(picture: Picture) -> Picture:
    """Turn a picture for display and set its orientation to 1, also in EXIF and XMP if they state one.

    Thumbnails are removed, since they would be displayed on their side.
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


def _turned_array(array: _Array, orientation: int) -> _Array:
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    out: _Array = np.ascontiguousarray(array)
    return out
