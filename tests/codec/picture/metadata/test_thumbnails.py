import io
import random
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image

from aez.codec.codec import Codec
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.metadata.thumbnails import without_exif_thumbnail, without_xmp_thumbnails
from aez.codec.picture.picture import Picture
from aez.codec.picture.turning import upright

THUMBNAIL = b"\xff\xd8 the whole picture \xff\xd9"
XMP = b'<x><xmp:Thumbnails rdf:x="y"><rdf:Alt>AAAA</rdf:Alt></xmp:Thumbnails><dc:title>me</dc:title></x>'
PLAIN_XMP = b"<x><dc:title>me</dc:title></x>"


def directory(order: str, at: int, entries: list[tuple[int, int, int, bytes]], following: int = 0) -> bytes:
    """Build a directory that starts at an offset, followed by its long values."""
    table, values = struct.pack(order + "H", len(entries)), b""
    start = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        place = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", start + len(values))
        values += value if len(value) > 4 else b""
        table += struct.pack(order + "HHI", tag, kind, count) + place
    return table + struct.pack(order + "I", following) + values


def with_thumbnail(order: str = "<", behind: bytes = b"", strips: bool = False) -> tuple[bytes, bytes]:
    """Build EXIF with an EXIF directory, a maker's note and a thumbnail, and the same EXIF without the thumbnail."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    own_at = 8 + 2 + 3 * 12 + 4 + 12
    own = directory(order, own_at, [(0x927C, 7, 9, b"makernote"), (0x9000, 7, 4, b"0232")])
    entries = [
        (0x010F, 2, 12, b"a long maker"),
        (274, 3, 1, struct.pack(order + "H", 6)),
        (34665, 4, 1, struct.pack(order + "I", own_at)),
    ]
    second_at = own_at + len(own)
    data_at = second_at + 2 + 3 * 12 + 4 + 8
    offset, length = (273, 279) if strips else (513, 514)
    second = directory(
        order,
        second_at,
        [
            (offset, 4, 1, struct.pack(order + "I", data_at)),
            (length, 4, 1, struct.pack(order + "I", len(THUMBNAIL))),
            (282, 5, 1, struct.pack(order + "II", 72, 1)),
        ],
    )
    whole = head + directory(order, 8, entries, second_at) + own + second + THUMBNAIL + behind
    plain = head + directory(order, 8, entries) + own
    if behind:
        plain += bytes(len(second) + len(THUMBNAIL)) + behind
    return whole, plain


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("strips", [False, True])
@pytest.mark.parametrize("behind", [b"", b"what a maker's note points to"])
def test_thumbnails_are_dropped(order: str, strips: bool, behind: bytes) -> None:
    whole, plain = with_thumbnail(order, behind, strips)
    assert without_exif_thumbnail(whole) == plain
    assert without_exif_thumbnail(plain) == plain
    exif = Image.Exif()
    exif.load(plain)
    assert exif[ExifTags.Base.Make] == "a long maker"
    assert exif.get_ifd(ExifTags.IFD.Exif)[0x9000] == b"0232"
    assert exif.get_ifd(ExifTags.IFD.IFD1) == {}
    exif = Image.Exif()
    exif.load(whole)
    assert exif.get_ifd(ExifTags.IFD.IFD1) != {}


def test_padding_behind_a_thumbnail_goes_too() -> None:
    whole, plain = with_thumbnail(behind=b"\0\0")
    assert without_exif_thumbnail(whole) == with_thumbnail()[1] != plain


def test_what_thumbnails_share_with_tags_is_kept() -> None:
    """A thumbnail may claim any position, and its directory may be another one."""
    whole, plain = with_thumbnail()
    end = len(plain)
    for start, length in ((0, 2**32 - 1), (8, end), (20, 30), (end - 10, 2**31)):
        claimed = whole.replace(
            struct.pack("<HHI", 513, 4, 1) + whole[end + 10 : end + 14],
            struct.pack("<HHII", 513, 4, 1, start),
        ).replace(struct.pack("<HHII", 514, 4, 1, len(THUMBNAIL)), struct.pack("<HHII", 514, 4, 1, length))
        assert claimed != whole
        assert without_exif_thumbnail(claimed)[:end] == plain
    loop = bytearray(plain)
    struct.pack_into("<I", loop, 8 + 2 + 3 * 12, 8)
    assert without_exif_thumbnail(bytes(loop)) == plain


@given(st.binary(max_size=60), st.integers(0, 300), st.integers(0, 2**32))
def test_damaged_exif_does_no_harm(noise: bytes, cut: int, seed: int) -> None:
    whole, _ = with_thumbnail()
    mutated = bytearray(whole)
    for _ in range(3):
        mutated[random.Random(seed).randrange(len(whole))] = seed % 256
    for data in (noise, b"II*\0" + noise, whole[:cut] + noise, bytes(mutated)):
        assert len(without_exif_thumbnail(data)) <= len(data)


def test_time_is_bounded() -> None:
    """The directories are full, every value covers all data, and each directory points to another one."""
    size, count = 2**22, 1000
    data = bytearray(size)
    data[:8] = b"II*\0" + struct.pack("<I", 8)
    step = 2 + 12 * count + 4
    for i in range(100):
        at = 8 + i * step
        entries = (struct.pack("<HHII", (330, 273, 279)[k % 3], 4, size // 4, 8 + k * step) for k in range(count))
        data[at : at + step] = struct.pack("<H", count) + b"".join(entries) + struct.pack("<I", at + step)
    start = time.perf_counter()
    without_exif_thumbnail(bytes(data))
    assert time.perf_counter() - start < 2


def test_thumbnails_in_xmp() -> None:
    assert without_xmp_thumbnails(XMP) == PLAIN_XMP
    assert without_xmp_thumbnails(XMP.replace(b"xmp:", b"xap:") + XMP) == PLAIN_XMP * 2
    for same in (PLAIN_XMP, b"<xmp:Thumbnails>" * 3, b""):
        assert without_xmp_thumbnails(same) == same


@pytest.mark.parametrize("family", [False, pytest.param(True, marks=pytest.mark.torch)])
def test_parts_have_no_thumbnail(codec: Codec, photo: NDArray[np.uint8], family: bool) -> None:
    from aez.codec import api

    whole, plain = with_thumbnail()
    one = api.load("sparse", "cpu") if family else codec
    picture = Picture(photo[:40, :50], orientation=6, metadata=Metadata(exif=whole, xmp=XMP))
    data = one.encode(picture, 30)
    assert one.decode_picture(data).metadata == picture.metadata
    assert one.decode_picture(data, scale=1 / 2).metadata == picture.metadata
    assert one.decode_picture(data, region=(0, 0, 50, 40)).metadata == picture.metadata
    part = one.decode_picture(data, region=(0, 0, 49, 40))
    assert part.metadata == Metadata(exif=plain, xmp=PLAIN_XMP)
    assert one.decode_picture(data, region=(0, 0, 40, 30), scale=1 / 2).metadata == part.metadata


def test_changed_pictures_have_no_thumbnail(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    whole, plain = with_thumbnail()
    Image.fromarray(photo[:40, :50]).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + whole)
    picture = from_image(Image.open(io.BytesIO((tmp_path / "a.jpg").read_bytes())))
    assert (picture.orientation, picture.metadata.exif) == (6, whole)
    turned = upright(picture).metadata.exif
    assert turned == plain.replace(struct.pack("<HHIH", 274, 3, 1, 6), struct.pack("<HHIH", 274, 3, 1, 1))


@pytest.mark.torch
def test_restored_pictures_have_no_thumbnail(photo: NDArray[np.uint8]) -> None:
    from aez.codec.family.restoration.pixels import with_samples

    whole, plain = with_thumbnail()
    picture = Picture(photo[:40, :50], orientation=6, metadata=Metadata(exif=whole))
    assert with_samples(picture, picture.samples).metadata.exif == plain
