import io
import random
import struct

import numpy as np
import pytest
from PIL import Image, features

from aez.codec.picture.colour.avif import avif_codes
from aez.codec.picture.colour.conversion import space_of
from aez.codec.picture.images import from_image
from tests.codec.picture.profiles import display_p3

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="this Pillow does not have AVIF")
IMAGE = Image.fromarray(np.full((16, 16, 3), (200, 40, 90), np.uint8))
AS_WRITTEN = struct.pack(">HH", 1, 13)


def avif(primaries: int, transfer: int, image: Image.Image = IMAGE, **options: object) -> bytes:
    """Write a file with code points that Pillow does not write."""
    buffer = io.BytesIO()
    image.save(buffer, "AVIF", **options)
    data = buffer.getvalue()
    assert data.count(b"nclx" + AS_WRITTEN) == 1 or options
    return data.replace(b"nclx" + AS_WRITTEN, b"nclx" + struct.pack(">HH", primaries, transfer))


@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (2, 2)])
def test_srgb_needs_no_profile(primaries: int, transfer: int) -> None:
    picture = from_image(Image.open(io.BytesIO(avif(primaries, transfer))))
    assert (picture.metadata.icc, picture.warnings) == (None, [])


@pytest.mark.parametrize(
    ("image", "space"), [(IMAGE, "RGB"), (IMAGE.convert("RGBA"), "RGB"), (IMAGE.convert("L"), "GRAY")]
)
def test_code_points_become_a_profile(image: Image.Image, space: str) -> None:
    image.putalpha(99) if image.mode == "RGBA" else None
    file = Image.open(io.BytesIO(avif(9, 8, image)))
    picture = from_image(file)
    assert picture.warnings == []
    assert space_of(picture.metadata.icc or b"") == ("RGB" if file.mode != "L" else space)


def test_what_no_profile_describes_is_named() -> None:
    for transfer, name in ((16, "PQ"), (18, "HLG")):
        picture = from_image(Image.open(io.BytesIO(avif(9, transfer))))
        assert picture.metadata.icc is None
        assert len(picture.warnings) == 1
        assert name in picture.warnings[0]


def test_a_profile_counts_first() -> None:
    picture = from_image(Image.open(io.BytesIO(avif(9, 16, icc_profile=display_p3()))))
    assert (picture.metadata.icc, picture.warnings) == (display_p3(), [])


def test_only_the_main_picture_counts() -> None:
    """Code points of another item, such as a gain map, may come first."""
    data = avif(9, 16)
    assert avif_codes(Image.open(io.BytesIO(data))) == (9, 16, 0, 1)
    main = data.index(b"pitm") + 8
    other = data[:main] + struct.pack(">H", 77) + data[main + 2 :]
    image = Image.open(io.BytesIO(data))
    image.fp = io.BytesIO(other)
    assert avif_codes(image) is None


def test_damage_does_no_harm() -> None:
    data = avif(9, 16)
    chance = random.Random(3)
    for _ in range(500):
        image = Image.open(io.BytesIO(data))
        damaged = bytearray(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)
        for _ in range(3):
            if damaged:
                damaged[chance.randrange(min(len(damaged), 400))] = chance.randrange(256)
        image.fp = io.BytesIO(damaged)
        avif_codes(image)
