from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import read_preview
from aez.codec.codec import Codec
from aez.codec.family.coding import FamilyCodec
from aez.codec.picture.alpha.fill import filled
from aez.codec.picture.picture import Picture

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


def pictures(photo: Photo) -> tuple[Picture, Picture]:
    """Return a picture with noise under alpha 0, and the same picture with its transparent pixels filled."""
    samples = photo[:300, :400].copy()
    alpha = np.full(samples.shape[:2], 255, np.uint8)
    alpha[75:220, 101:307] = 0
    noise = np.random.default_rng(1).integers(0, 256, samples.shape, dtype=np.uint8)
    samples[alpha == 0] = noise[alpha == 0]
    return Picture(samples, alpha), Picture(filled(samples, alpha), alpha)


def check(codec: Codec, photo: Photo) -> None:
    hidden, clean = pictures(photo)
    preview = read_preview(codec.encode(hidden, 60, preview=True))
    assert preview is not None
    assert preview == read_preview(codec.encode(clean, 60, preview=True))
    other = read_preview(codec.encode(replace(hidden, samples=photo[:300, :400]), 60, preview=True))
    assert preview == other


def test_previews_of_the_flagship_do_not_depend_on_hidden_pixels(codec: Codec, photo: Photo) -> None:
    check(codec, photo)


def test_previews_of_the_family_do_not_depend_on_hidden_pixels(family_codec: FamilyCodec, photo: Photo) -> None:
    check(family_codec, photo)
