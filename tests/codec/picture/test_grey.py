"""RGB pictures with grey samples stay RGB and exactly grey."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import FormatError, read_container, read_header, write_container
from aez.codec.codec import Codec
from aez.codec.picture.grey import as_stored, coded_samples
from aez.codec.picture.picture import Picture

Photo = NDArray[np.uint8]


@pytest.fixture
def grey(photo: Photo) -> Photo:
    return np.repeat(photo[40:141, 100:233, 1:2], 3, axis=2)


def test_grey_samples_stay_grey(codec: Codec, grey: Photo) -> None:
    data = codec.encode(grey, 30)
    assert read_header(data).colour == "grey RGB"
    back = codec.decode_array(data)
    assert back.shape == grey.shape
    assert (back == back[..., :1]).all()
    assert np.array_equal(back[..., 0], codec.decode_array(codec.encode(grey[..., 0], 30)))
    assert codec.decode(data).mode == "RGB"
    assert codec.decode_array(data, region=(4, 6, 20, 30), scale=Fraction(1, 2)).shape == (15, 10, 3)
    assert codec.from_latents(codec.latents(grey, 30)).mode == "RGB"
    assert np.array_equal(np.asarray(codec.from_latents(codec.latents(grey, 30))), back)


@pytest.mark.torch
def test_tensors_of_grey_samples(codec: Codec, grey: Photo) -> None:
    data = codec.encode(grey, 30)
    assert np.array_equal(codec.decode_tensor(data).permute(1, 2, 0).numpy(), codec.decode_array(data))


def test_one_coloured_pixel_is_enough(codec: Codec, grey: Photo) -> None:
    grey[100, 132, 2] ^= 1
    assert read_header(codec.encode(grey, 30)).colour == "RGB"


def test_colour_under_transparency_does_not_count(codec: Codec, grey: Photo) -> None:
    alpha = np.full(grey.shape[:2], 255, np.uint8)
    alpha[:20] = 0
    grey[:20] = 255, 0, 0
    picture = Picture(grey, alpha)
    data = codec.encode(picture, 60)
    assert read_header(data).colour == "RGB" or coded_samples(picture)[0].ndim == 2
    assert codec.decode(data).mode == "RGBA"
    opaque = Picture(np.repeat(grey[20:, :, 1:2], 3, axis=2), alpha[20:])
    back = codec.decode_array(codec.encode(opaque, 60))
    assert back.shape[2] == 4
    assert (back[..., 0] == back[..., 2]).all()


def test_previews_and_pillow(codec: Codec, grey: Photo) -> None:
    data = codec.encode(Image.fromarray(grey), 50, preview=True)
    assert codec.preview(data).mode == "RGB"
    assert as_stored(grey[..., 0], "grey").ndim == 2


@pytest.mark.torch
def test_layout_1_has_no_such_colour() -> None:
    from dataclasses import replace

    from aez.codec.api import load

    family = load("sparse", "cpu")
    container = read_container(family.encode(np.zeros((20, 30), np.uint8)))
    data = write_container(replace(container, header=replace(container.header, colour="grey RGB")))
    with pytest.raises(FormatError):
        family.decode(data)
