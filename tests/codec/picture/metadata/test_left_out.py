import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin, TiffImagePlugin

from aez.bitstream import read_container
from aez.codec.codec import Codec
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata, bounded
from aez.codec.picture.outputs import picture_bytes
from aez.codec.picture.picture import Picture
from tests.codec.picture.profiles import display_p3, png_chunk, png_with, rgb

IMAGE = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
VERSION = b"\x1c\x02\x00\x00\x02\x00\x04"
CHARSET = b"\x1c\x01\x5a\x00\x03\x1b%G"
CAPTION = b"\x1c\x02\x78\x00\x05hello"
IPTC = "IPTC metadata are not kept"
COMMENT = "a comment is not kept"


def photoshop(iptc: bytes) -> bytes:
    """Build a segment with an IPTC resource after one of Photoshop's own."""
    block = b"Photoshop 3.0\0"
    for code, data in ((0x0425, b"x" * 16), (0x0404, iptc)):
        block += b"8BIM" + struct.pack(">HxxI", code, len(data)) + data + b"\0" * (len(data) % 2)
    return b"\xff\xed" + struct.pack(">H", 2 + len(block)) + block


def jpeg(**options: Any) -> Picture:
    buffer = io.BytesIO()
    IMAGE.save(buffer, "JPEG", **options)
    return from_image(Image.open(buffer))


def png(strip: bool = False, **text: str) -> Picture:
    info = PngImagePlugin.PngInfo()
    for name, value in text.items():
        info.add_text(name, value)
    buffer = io.BytesIO()
    IMAGE.save(buffer, "PNG", pnginfo=info)
    return from_image(Image.open(buffer), strip=strip)


@pytest.mark.parametrize(
    ("iptc", "named"),
    [
        (VERSION + CAPTION, True),
        (CHARSET + VERSION + CAPTION, True),
        (CAPTION[:7], True),
        (VERSION, False),
        (CHARSET + VERSION, False),
        (b"", False),
        (b"\0" * 9, False),
    ],
)
def test_iptc(iptc: bytes, named: bool) -> None:
    assert jpeg(extra=photoshop(iptc)).warnings == [IPTC] * named
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[33723] = iptc
    tags.tagtype[33723] = 7
    buffer = io.BytesIO()
    IMAGE.save(buffer, "TIFF", tiffinfo=tags)
    assert from_image(Image.open(buffer)).warnings == [IPTC] * named


def test_iptc_in_text() -> None:
    assert png(**{"Raw profile type iptc": "iptc 2 00"}).warnings == [IPTC]


@pytest.mark.parametrize(
    "comment",
    [
        "CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90\n",
        "Created with GIMP",
        "Created with The GIMP",
        "LEAD Technologies Inc. V1.01",
        "Lavc58.54.100",
        "Optimized by JPEGmini 3.9",
        "Compressed by jpeg-recompress",
        "File written by Adobe Photoshop® 4.0",
        "Created by OpenJPEG version 2.5.0",
        "Intel(R) JPEG Library, version 1,5,4,36",
        "AppleMark\n",
        "Processed By eBay with ImageMagick, z1.1.0. ||B2",
        "",
        "  \0",
    ],
)
def test_comments_of_programs_are_not_named(comment: str) -> None:
    assert jpeg(comment=comment.encode("latin-1")).warnings == []
    assert png(Comment=comment).warnings == []


@pytest.mark.parametrize(
    "comment", ["Grandmother, 1954", "© me", "made in Rome", "Created with GIMP. " + "I was there. " * 20]
)
def test_comments_are_named(comment: str) -> None:
    assert jpeg(comment=comment.encode("latin-1")).warnings == [COMMENT]
    assert png(Comment=comment).warnings == ["PNG text is not kept: Comment"]
    buffer = io.BytesIO()
    IMAGE.save(buffer, "GIF", comment=comment.encode("latin-1"))
    assert from_image(Image.open(buffer)).warnings == [COMMENT]


def test_one_of_several_comments() -> None:
    """Pillow provides only the last one."""
    extra = b"\xff\xfe" + struct.pack(">H", 2 + 11) + b"Grandmother"
    assert jpeg(extra=extra, comment=b"Created with GIMP").warnings == [COMMENT]


def test_files_that_programs_write(tmp_path: Path) -> None:
    for suffix in ("png", "jpg", "gif", "tif", "webp", "bmp", "jp2", "ppm", "tga", "avif"):
        IMAGE.save(tmp_path / f"a.{suffix}")
        assert from_image(Image.open(tmp_path / f"a.{suffix}")).warnings == []


def test_text() -> None:
    common = {
        "Software": "gnome-screenshot",
        "date:create": "2024-01-01T00:00:00+00:00",
        "exif:Make": "me",
        "Thumb::URI": "file:///home/me",
        "Title": "  ",
    }
    assert png(**common).warnings == []
    assert png(**common, Author="me", parameters="a cat").warnings == ["PNG text is not kept: Author, parameters"]
    many = {f"k{i}": "v" for i in range(9)}
    assert png(**many).warnings == ["PNG text is not kept: k0, k1, k2, k3, k4 and 4 more"]
    assert png(**{"a\x1b[31m": "v"}).warnings == ["PNG text is not kept: a keyword that cannot be shown"]


def test_text_behind_the_pixels_and_compressed() -> None:
    data = png_with(IMAGE)
    end = data.index(b"IEND") - 4
    for chunk in (png_chunk(b"tEXt", b"Author\0me"), png_chunk(b"iTXt", b"Author\0\0\0\0\0me")):
        file = io.BytesIO(data[:end] + chunk + data[end:])
        assert from_image(Image.open(file)).warnings == ["PNG text is not kept: Author"]
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "me" * 99, zip=True)
    buffer = io.BytesIO()
    IMAGE.save(buffer, "PNG", pnginfo=info)
    assert from_image(Image.open(buffer)).warnings == ["PNG text is not kept: Author"]


def test_our_own_outputs_lack_nothing() -> None:
    exif = Image.Exif()
    exif[0x010F] = "me"
    metadata = Metadata(rgb(), exif.tobytes()[6:], b"<x/>")
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        file = picture_bytes(Picture(np.asarray(IMAGE), metadata=metadata), kind)
        assert from_image(Image.open(io.BytesIO(file))).warnings == []


def test_stripping_says_nothing() -> None:
    """Metadata that are stripped anyway give no warning."""
    picture = png(strip=True, Author="me")
    assert (picture.warnings, picture.metadata) == ([], Metadata())
    exif = Image.Exif()
    exif[274] = 6
    image = IMAGE.copy()
    image.info |= {"comment": b"hello", "dpi": (300, 300), "exif": exif.tobytes(), "icc_profile": display_p3()}
    picture = from_image(image, strip=True)
    assert (picture.warnings, picture.metadata, picture.orientation) == ([], Metadata(display_p3()), 6)


def test_too_long_metadata_are_left_out(codec: Codec) -> None:
    """A decoder would reject the file."""
    image = IMAGE.copy()
    image.info |= {"xmp": b"x" * 2**26, "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}
    picture = from_image(image)
    assert picture.warnings == ["metadata are too long and are left out: XMP"]
    assert picture.metadata == Metadata(exif=image.info["exif"][6:])
    read_container(codec.encode(picture, 50))
    metadata = Metadata(b"i" * 2**24, b"e" * 2**24, b"x" * 2**24)
    assert bounded(metadata) == (metadata, None)


@given(st.binary(max_size=60))
def test_damage_does_no_harm(noise: bytes) -> None:
    for extra in (photoshop(noise), b"\xff\xed" + struct.pack(">H", 16 + len(noise)) + b"Photoshop 3.0\0" + noise):
        assert jpeg(extra=extra).warnings in ([], [IPTC])
    image = IMAGE.copy()
    for value in (noise, noise.decode("latin-1"), [noise], {1028: noise}, {1028: 7}, 7):
        image.info |= {"comment": value, "photoshop": value}
        from_image(image)
