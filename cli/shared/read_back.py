"""Comparison of a written picture file with its source, before the source is deleted."""

import io
from typing import TYPE_CHECKING

import numpy as np

from aez.bitstream.errors import ImageError
from aez.cli.shared.picture_files import read_input

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


def missing_from(written: bytes | memoryview, picture: "Picture") -> str | None:
    """Return what a picture file lacks of a picture's pixels, as part of a sentence; None if it holds all of them.

    The file may have turned the pixels as the orientation says, and may hold grey as RGB.

    Args:
        written: the bytes of the file.
        picture: the picture that was written.

    """
    from aez.codec.picture.turning import upright

    pixels = picture.samples.shape[0] * picture.samples.shape[1]
    try:
        back = read_input(io.BytesIO(written), "the output", pixels)
    except ImageError:  # Pillow writes some formats that it cannot read, such as PDF
        return "pixels that can be read back"
    if back.alpha is None and not _is_opaque(picture):
        return "transparency"
    same = any(_same(back, expected) for expected in (picture, upright(picture)))
    return None if same else "the exact pixels"


def _same(back: "Picture", expected: "Picture") -> bool:
    samples = expected.samples
    if samples.ndim < back.samples.ndim:
        samples = np.repeat(samples[:, :, None], back.samples.shape[2], axis=2)
    if not np.array_equal(back.samples, samples):
        return False
    if back.alpha is None or expected.alpha is None:
        return _is_opaque(back) and _is_opaque(expected)
    return np.array_equal(back.alpha, expected.alpha)


def _is_opaque(picture: "Picture") -> bool:
    return picture.alpha is None or bool((picture.alpha == 255).all())
