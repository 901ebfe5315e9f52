import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, features

from aez.codec.codec import Codec
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata, exif_orientation, with_orientation
from aez.codec.picture.outputs import fit_to_format, picture_bytes
from aez.codec.picture.picture import Picture

XMP = b'<?xpacket begin="\xef\xbb\xbf"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>\n'
ICC: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # type: ignore[no-untyped-call]
HOLDERS = ["PNG", "JPEG", "WEBP", "AVIF"]


def exif_bytes(order: str = "<", orientation: int | None = 6) -> bytes:
    """Build a TIFF structure that no library writes: the directory at the end, after a byte of padding."""
    entries = [(0x010E, 2, 4, b"me!\0")]
    if orientation is not None:
        entries.append((274, 3, 1, struct.pack(order + "HH", orientation, 0)))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 10) + b"\x07\x07"
    body = b"".join(struct.pack(order + "HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return head + struct.pack(order + "H", len(entries)) + body + b"\0\0\0\0"


def picture_of(photo: NDArray[np.uint8], **parts: bytes) -> Picture:
    return Picture(photo[100:120, 200:230], metadata=Metadata(**parts))


@pytest.mark.parametrize("kind", HOLDERS)
def test_bytes_come_back_through_every_format(codec: Codec, photo: NDArray[np.uint8], kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip(f"this Pillow does not have {kind}")
    # AVIF has its own field for the orientation, to which Pillow moves EXIF's.
    exif = exif_bytes(orientation=None if kind == "AVIF" else 1)
    picture = picture_of(photo, icc=ICC, exif=exif, xmp=XMP.replace(b"6", b"1"))
    source = picture_bytes(fit_to_format(picture, kind), kind)
    read = from_image(Image.open(io.BytesIO(source)))
    assert read.metadata == picture.metadata
    decoded = codec.decode_picture(codec.encode(read, 30))
    assert decoded.metadata == picture.metadata
    for target in HOLDERS[:3] + HOLDERS[3:] * (kind == "AVIF"):
        out = fit_to_format(decoded, target)
        assert out.warnings == []
        assert from_image(Image.open(io.BytesIO(picture_bytes(out, target)))).metadata == picture.metadata


def test_tiff_keeps_what_it_can(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = picture_of(photo, icc=ICC, exif=exif_bytes(orientation=1), xmp=XMP)
    tiff = picture_bytes(fit_to_format(picture, "TIFF"), "TIFF")
    image = Image.open(io.BytesIO(tiff))
    assert image.getexif()[ExifTags.Base.ImageDescription] == "me!"
    read = from_image(image)
    assert (read.metadata.icc, read.metadata.xmp) == (ICC, XMP)
    back = codec.decode(codec.encode(read, 30))
    assert back.getexif()[ExifTags.Base.ImageDescription] == "me!"
    assert ExifTags.Base.StripOffsets not in back.getexif()


def test_formats_without_metadata(photo: NDArray[np.uint8]) -> None:
    out = fit_to_format(picture_of(photo, icc=ICC, exif=exif_bytes(), xmp=XMP), "BMP")
    assert out.metadata == Metadata()
    assert len(out.warnings) == 2  # the profile describes sRGB, which is the default
    wide = ICC.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be")).replace(b"rXYZ", b"bXY?")
    out = fit_to_format(picture_of(photo, icc=wide), "BMP")
    assert out.warnings == ["the colour profile cannot be used and is left out"]


@pytest.mark.parametrize("name", ["exif", "xmp"])
def test_metadata_too_long_for_jpeg(photo: NDArray[np.uint8], name: str) -> None:
    picture = picture_of(photo, **{name: exif_bytes(orientation=None) + b"x" * 65530})
    out = fit_to_format(picture, "JPEG")
    assert (out.metadata, len(out.warnings)) == (Metadata(), 1)
    picture_bytes(out, "JPEG")
    assert fit_to_format(picture, "PNG").metadata == picture.metadata


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_is_found_and_set(order: str) -> None:
    exif = exif_bytes(order, 6)
    assert exif_orientation(exif) == 6
    turned = with_orientation(Metadata(exif=exif, xmp=XMP), 1)
    assert turned.exif == exif_bytes(order, 1)
    assert turned.xmp == XMP.replace(b'Orientation="6"', b'Orientation="1"')
    without = exif_bytes(order, None)
    assert exif_orientation(without) is None
    assert with_orientation(Metadata(exif=without), 1).exif == without
    assert exif_orientation(exif_bytes(order, 77)) is None


@given(st.binary(max_size=40), st.integers(0, 40))
def test_damaged_exif_does_no_harm(noise: bytes, cut: int) -> None:
    for data in (noise, b"II*\0" + noise, b"MM\0*" + noise, exif_bytes()[:cut] + noise):
        exif_orientation(data)
        assert len(with_orientation(Metadata(exif=data), 3).exif or b"") == len(data)


@pytest.mark.parametrize(("stated", "header"), [(6, 6), (6, 1), (None, 6), (1, 6), (3, 8)])
def test_the_header_decides(photo: NDArray[np.uint8], stated: int | None, header: int) -> None:
    """A viewer that applies EXIF shows the header's orientation, whichever way the file was made."""
    samples = photo[100:120, 200:230]
    picture = Picture(samples, orientation=header, metadata=Metadata(exif=exif_bytes(orientation=stated)))
    out = fit_to_format(picture, "PNG")
    shown = {6: np.rot90(samples, -1), 8: np.rot90(samples), 1: samples}
    if stated == header:
        assert out.metadata == picture.metadata
        assert np.array_equal(out.samples, samples)
    else:
        assert (exif_orientation(out.metadata.exif) or 1, out.orientation) == (1, 1)
        assert np.array_equal(out.samples, shown[header])
    assert np.array_equal(fit_to_format(picture, "PNG", auto_orient=True).samples, shown[header])


def test_decoded_images_carry_their_metadata(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = Picture(photo[:20, :30], orientation=6, metadata=Metadata(icc=ICC, exif=exif_bytes(), xmp=XMP))
    image = codec.decode(codec.encode(picture, 30))
    assert image.size == (20, 30)
    assert image.info["icc_profile"] == ICC
    assert image.info["exif"] == b"Exif\0\0" + exif_bytes(orientation=1)
    assert image.getexif()[274] == 1
    assert image.info["xmp"] == XMP.replace(b'Orientation="6"', b'Orientation="1"')
