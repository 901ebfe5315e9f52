"""Formats that hold less than a picture has say so, or refuse it."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream.errors import ImageError
from aez.codec.picture.outputs import write_picture
from aez.codec.picture.picture import Picture


def noise(*shape: int, high: int = 256) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, high, shape, np.uint8)


def read_back(data: memoryview) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(("height", "width"), [(150, 200), (1, 256), (17, 5)])
def test_icons_have_the_size_of_the_picture(height: int, width: int) -> None:
    picture = Picture(noise(height, width, 3), noise(height, width))
    data, warnings = write_picture(picture, "ICO")
    image = read_back(data)
    assert (image.size, warnings) == ((width, height), [])
    assert np.array_equal(np.asarray(image.convert("RGBA")), picture.to_array())


def test_large_icons_are_refused() -> None:
    with pytest.raises(ImageError, match=r"ICO holds pictures of at most 256 pixels a side, not 257×191"):
        write_picture(Picture(noise(191, 257, 3)), "ICO")


def test_gif_has_few_colours_and_whole_transparency() -> None:
    photo, few, soft = noise(40, 50, 3), noise(40, 50, 3, high=2) * np.uint8(255), noise(40, 50)
    assert write_picture(Picture(photo), "GIF")[1] == ["more than 256 colours cannot be kept in GIF"]
    data, warnings = write_picture(Picture(few), "GIF")
    assert warnings == [] and np.array_equal(np.asarray(read_back(data).convert("RGB")), few)
    assert write_picture(Picture(soft), "GIF")[1] == []
    assert write_picture(Picture(few, soft), "GIF")[1] == ["partial transparency cannot be kept in GIF"]
    assert write_picture(Picture(few, (soft > 99) * np.uint8(255)), "GIF")[1] == []


def test_other_icons_are_resized_and_say_so() -> None:
    assert write_picture(Picture(noise(64, 64, 3)), "ICNS")[1] == [
        "ICNS holds squares of certain sizes, to which the picture is resized"
    ]
