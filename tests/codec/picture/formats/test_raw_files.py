"""Cameras' raw files."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from aez.bitstream import ImageError
from aez.codec.picture.images import from_image


def tiff(tags: dict[int, Any], **options: Any) -> bytes:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info[tag] = value
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), (9, 80, 200)).save(buffer, "TIFF", tiffinfo=info, **options)
    return buffer.getvalue()


def with_sub_directory(width: int, height: int, **options: Any) -> bytes:
    """Write a TIFF file with tag 330, which points to a directory behind the picture."""
    start = len(tiff({330: 0}, **options))
    start += start % 2
    data = tiff({330: start}, **options).ljust(start, b"\0")
    big = bool(options)
    entry = "<HHQQ" if big else "<HHII"
    entries = struct.pack(entry, 256, 4, 1, width) + struct.pack(entry, 257, 4, 1, height)
    return data + struct.pack("<Q" if big else "<H", 2) + entries + bytes(8)


RAW = {
    "DNG": tiff({50706: b"\1\4\0\0"}),
    "thumbnail first": tiff({254: 1}),
    "thumbnail first, as of old": tiff({255: 2}),
    "larger below": with_sub_directory(96, 64),
    "larger below, BigTIFF": with_sub_directory(96, 64, big_tiff=True),
}


@pytest.mark.parametrize("name", RAW)
def test_thumbnails_are_refused(name: str) -> None:
    words = r"^is a raw file; only its thumbnail can be read$"
    with Image.open(io.BytesIO(RAW[name])) as image, pytest.raises(ImageError, match=words):
        from_image(image)


def test_tags_tell_it_once_the_file_is_closed() -> None:
    with Image.open(io.BytesIO(RAW["DNG"])) as image:
        image.load()
    with pytest.raises(ImageError, match="is a raw file"):
        from_image(image)


def test_cr2() -> None:
    """The mark behind the header identifies it: its first picture may be large, and is not marked as a thumbnail."""
    plain = tiff({})
    (directory,) = struct.unpack_from("<I", plain, 4)
    moved = plain[:4] + struct.pack("<I", len(plain) + len(plain) % 2) + b"CR\2\0" + plain[12:]
    data = moved.ljust(len(plain) + len(plain) % 2, b"\0") + plain[directory : directory + 512]
    with Image.open(io.BytesIO(data)) as image, pytest.raises(ImageError, match="is a raw file"):
        from_image(image)


@pytest.mark.parametrize(
    "data",
    [tiff({}), tiff({254: 0}), with_sub_directory(24, 16), with_sub_directory(0, 0), tiff({330: 2**31})],
    ids=["plain", "whole", "smaller below", "empty below", "nothing below"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_other_tiff_files_are_read(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        assert from_image(image).samples[5, 5].tolist() == [9, 80, 200]


def test_a_thumbnail_that_was_taken_out_is_a_picture() -> None:
    with Image.open(io.BytesIO(RAW["DNG"])) as image:
        assert from_image(image.copy()).samples.shape == (32, 48, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_cut_off_is_no_reason_to_fail() -> None:
    for cut in range(8, 200, 7):
        data = with_sub_directory(24, 16)
        try:
            with Image.open(io.BytesIO(data[:-cut])) as image:
                samples = from_image(image).samples
        except (ImageError, OSError):
            continue
        assert np.array_equal(samples[5, 5], [9, 80, 200])
