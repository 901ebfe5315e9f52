"""Pictures that are no photographs, drawn for tests."""

import itertools

import numpy as np
from numpy.typing import NDArray

Photo = NDArray[np.uint8]
CORNERS = [np.array(c, np.uint8) for c in itertools.product((0, 255), repeat=3)]
"""The corners of the colour cube."""


def beside(left: Photo, right: Photo, side: int = 90) -> Photo:
    picture = np.empty((side - 7, side, 3), np.uint8)
    picture[:, : side // 2], picture[:, side // 2 :] = left, right
    return picture


def checks(first: Photo, second: Photo, period: int, side: int = 72) -> Photo:
    row, col = np.indices((side, side + 9))
    return np.where(((row // period + col // period) % 2)[..., None], first, second).astype(np.uint8)


def gradient(first: Photo, second: Photo, side: int = 72) -> Photo:
    share = np.linspace(0, 1, side + 9)[None, :, None]
    return np.broadcast_to((first + share * (second.astype(float) - first)).round(), (side, side + 9, 3)).astype(
        np.uint8
    )
