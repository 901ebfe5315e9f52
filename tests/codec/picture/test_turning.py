from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from aez.codec.codec import Codec
from aez.codec.picture.images import from_image
from aez.codec.picture.picture import Picture
from aez.codec.picture.turning import upright

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(photo: Photo) -> Image.Image:
    return Image.fromarray(photo[100:124, 200:230])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(codec: Codec, tmp_path: Path, orientation: int) -> None:
    samples = np.full((64, 112, 3), (250, 240, 20), np.uint8)
    samples[:32, :32] = (20, 30, 200)
    samples[:16, 64:] = (200, 20, 30)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(samples).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        seen = np.asarray(ImageOps.exif_transpose(image)).astype(int)
        data = codec.encode(image, 60)
    back = np.asarray(codec.decode(data)).astype(int)
    assert back.shape == seen.shape
    errors = []
    for candidate in range(1, 9):
        other = upright(Picture(samples, orientation=candidate)).samples.astype(int)
        errors.append(np.abs(back - other).mean() if other.shape == back.shape else 255.0)
    assert np.array_equal(upright(Picture(samples, orientation=orientation)).samples, seen)
    assert int(np.argmin(errors)) + 1 == orientation
    assert sorted(errors)[0] < sorted(errors)[1] / 2
    assert codec.decode_array(data).shape == samples.shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright(picture: Image.Image, orientation: int) -> None:
    image = picture.convert("RGBA")
    image.putalpha(picture.getchannel("R"))
    image.getexif()[ExifTags.Base.Orientation] = orientation
    result = upright(from_image(image))
    assert result.orientation == 1
    assert np.array_equal(result.to_array(), np.asarray(ImageOps.exif_transpose(image)))
