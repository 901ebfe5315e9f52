import io
import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, PngImagePlugin

from aez.codec.codec import Codec
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata, exif_orientation
from aez.codec.picture.outputs import fit_to_format, picture_bytes

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(photo: Photo) -> Image.Image:
    return Image.fromarray(photo[100:124, 200:230])


def jpeg_with(exif: bytes) -> Image.Image:
    buffer = io.BytesIO()
    Image.new("RGB", (6, 4)).save(buffer, "JPEG", exif=exif)
    return Image.open(buffer)


def exif_entry(kind: int, count: int, value: bytes, order: str = "<", tag: int = 274) -> bytes:
    head = b"Exif\0\0" + (b"II*\0" if order == "<" else b"MM\0*")
    entry = struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")
    return head + struct.pack(order + "IH", 8, 1) + entry + bytes(4) + struct.pack(order + "d", 6.0) * 2


ODD_ORIENTATIONS = {
    "SHORT": (exif_entry(3, 1, b"\6\0"), 6),
    "LONG": (exif_entry(4, 1, b"\6\0\0\0"), 6),
    "LONG, Motorola": (exif_entry(4, 1, b"\0\0\0\6", ">"), 6),
    "SSHORT": (exif_entry(8, 1, b"\6\0"), 6),
    "SLONG": (exif_entry(9, 1, b"\6\0\0\0"), 6),
    "negative": (exif_entry(9, 1, b"\xff" * 4), 1),
    "LONG, huge": (exif_entry(4, 1, b"\6\0\0\1"), 1),
    "LONG8": (exif_entry(16, 1, b"\x1a\0\0\0")[:-16] + struct.pack("<QQ", 6, 6), 6),
    "two": (exif_entry(3, 2, b"\6\0\6\0"), 6),
    "none": (exif_entry(3, 0, b"\6\0"), 1),
    "ASCII": (exif_entry(2, 2, b"6\0"), 1),
    "BYTE": (exif_entry(1, 1, b"\6"), 1),
    "UNDEFINED": (exif_entry(7, 2, b"\0\6"), 1),
    "FLOAT": (exif_entry(11, 1, struct.pack("<f", np.nan)), 1),
    "DOUBLE": (exif_entry(12, 1, b"\x1a\0\0\0"), 6),
    "RATIONAL": (exif_entry(5, 1, b"\x1a\0\0\0")[:-16] + struct.pack("<II", 6, 1), 6),
    "type 99": (exif_entry(99, 1, b"\6\0"), 1),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ODD_ORIENTATIONS)
def test_header_and_exif_agree_on_the_orientation(codec: Codec, name: str) -> None:
    """Viewers that use the header and viewers that use EXIF show the same, and nothing is turned twice."""
    exif, orientation = ODD_ORIENTATIONS[name]
    picture = from_image(jpeg_with(exif))
    assert (picture.orientation, picture.warnings) == (orientation, [])
    assert (exif_orientation(picture.metadata.exif) or 1) == orientation
    size = (4, 6) if orientation == 6 else (6, 4)
    back = codec.decode(codec.encode(picture, 10))
    assert back.size == size
    turned = ImageOps.exif_transpose(back)
    assert turned is not None
    assert turned.size == size
    for auto_orient in (False, True):
        fitted = fit_to_format(codec.decode_picture(codec.encode(picture, 10)), "PNG", auto_orient=auto_orient)
        shown = ImageOps.exif_transpose(Image.open(io.BytesIO(picture_bytes(fitted, "PNG"))))
        assert shown is not None
        assert shown.size == size


def test_changes_of_opened_exif_are_heeded() -> None:
    image = jpeg_with(exif_entry(3, 1, b"\6\0"))
    image.getexif()[274] = 3
    picture = from_image(image)
    assert (picture.orientation, exif_orientation(picture.metadata.exif)) == (3, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_exif_refuses_a_picture() -> None:
    random, sound = np.random.default_rng(5), Image.Exif()
    sound[274], sound[ExifTags.Base.Artist], sound[ExifTags.Base.XResolution] = 6, "somebody", 72.0
    data = sound.tobytes()
    for _ in range(300):
        hurt = bytearray(data)
        for at in random.integers(6, len(data), 3):
            hurt[at] = random.integers(256)
        picture = from_image(jpeg_with(bytes(hurt)))
        assert (exif_orientation(picture.metadata.exif) or 1) == picture.orientation


def test_unreadable_exif_of_png_text_is_left_out(picture: Image.Image) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", "\nexif\n 9\nno hexadecimal digits\n")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=text)
    result = from_image(Image.open(buffer))
    assert (result.orientation, result.metadata) == (1, Metadata())
    assert result.warnings == ["EXIF metadata cannot be read and are left out"]


@pytest.mark.parametrize("orientation", [0, 9, 200])
def test_wrong_orientations_are_ignored(picture: Image.Image, orientation: int) -> None:
    image = picture.copy()
    image.getexif()[ExifTags.Base.Orientation] = orientation
    assert from_image(image).orientation == 1
