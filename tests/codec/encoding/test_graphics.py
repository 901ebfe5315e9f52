"""Pictures that are no photographs: saturated colours side by side, checks, gradients, text."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.encoding import encoder
from aez.codec.model.registry import DEFAULT_MODEL, PSNR_MODEL, find_model
from aez.codec.model.weightfile import read_weights
from aez.codec.picture.psnr import psnr_of
from tests.codec.encoding.graphics import CORNERS, beside, checks, gradient

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module", params=[DEFAULT_MODEL, PSNR_MODEL])
def flagship(request: pytest.FixtureRequest) -> Codec:
    return Codec(read_weights(find_model(request.param).path), "cpu", "float32")


@pytest.mark.slow
@pytest.mark.parametrize("effort", [0, 2])
def test_more_quality_is_never_a_worse_picture(flagship: Codec, effort: int) -> None:
    """PSNR rises over the quality for flat, side by side, checked and gradient pictures of all corner colours.

    Up to 42 dB: above that, it may move by what the network makes of saturated colours at the picture's corners.
    """
    pictures: dict[str, Photo] = {}
    for number, first in enumerate(CORNERS):
        other = CORNERS[(number * 3 + 5) % 8]
        pictures |= {
            f"flat {number}": np.broadcast_to(first, (70, 81, 3)).copy(),
            f"beside {number}": beside(first, other),
            f"checks {number}": checks(first, other, (2, 4, 8, 16)[number % 4]),
            f"gradient {number}": gradient(first, other),
        }
    falls = {}
    for name, picture in pictures.items():
        found = []
        for quality in (10, 40, 70, 100):
            decoded = flagship.decode_array(flagship.encode(picture, quality, effort=effort, content="photo"))
            found.append(min(psnr_of(picture, decoded), 42.0))
        fall = max(a - b for a, b in itertools.pairwise(found))
        if fall > 0.5:
            falls[name] = [round(value, 2) for value in found]
    assert falls == {}


def test_corrections_that_harm_are_not_taken(flagship: Codec) -> None:
    """On saturated colours a correction by the linear path overshoots; what it makes worse is left as it was."""
    for number, quality in ((5, 100), (1, 80), (3, 90)):
        picture = beside(CORNERS[number], CORNERS[(number * 3 + 5) % 8])
        least, most = (
            psnr_of(picture, flagship.decode_array(flagship.encode(picture, quality, effort=effort, content="photo")))
            for effort in (0, 4)
        )
        assert most > min(least, 44) - 0.3


def test_graphics_are_corrected_at_every_effort(flagship: Codec, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = checks(CORNERS[0], CORNERS[7], 8)
    helped = psnr_of(picture, flagship.decode_array(flagship.encode(picture, 80, effort=0, content="photo")))
    plain = flagship.encode(photo[:120, :150], 80, effort=0, content="photo")
    monkeypatch.setattr(encoder, "is_graphic", lambda pixels: False)
    assert helped > psnr_of(picture, flagship.decode_array(flagship.encode(picture, 80, effort=0, content="photo"))) + 3
    assert flagship.encode(photo[:120, :150], 80, effort=0, content="photo") == plain
