import io
import math
import random
import struct
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image

from aez.codec.codec import Codec
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata, exif_orientation
from aez.codec.picture.metadata.resolution import Resolution, resolution_of, transposed, with_resolution
from aez.codec.picture.outputs import fit_to_format, picture_bytes
from aez.codec.picture.picture import Picture, stripped
from aez.codec.picture.turning import upright
from tests.codec.picture.profiles import png_chunk, png_with

SAMPLES = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
INCH = 2


def made(x: float, y: float | None = None, unit: int = INCH) -> bytes:
    exif = with_resolution(None, Resolution(Fraction(x), Fraction(x if y is None else y), unit))
    assert exif is not None
    return exif


def read(kind: str, **options: Any) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(SAMPLES).save(buffer, kind, **options)
    return from_image(Image.open(buffer))


def written(picture: Picture, kind: str) -> Image.Image:
    return Image.open(io.BytesIO(picture_bytes(fit_to_format(picture, kind), kind)))


def dpi_of(picture: Picture) -> tuple[float, float] | None:
    resolution = resolution_of(picture.metadata.exif)
    return resolution and resolution.dpi


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
@pytest.mark.parametrize("dpi", [(300, 300), (72, 72), (96, 96), (150, 600), (1200, 1200), (19200, 19200)])
def test_resolution_is_kept(codec: Codec, kind: str, dpi: tuple[int, int]) -> None:
    picture = read(kind, dpi=dpi)
    assert (picture.warnings, dpi_of(picture)) == ([], dpi)
    decoded = codec.decode_picture(codec.encode(picture, 50))
    assert decoded.metadata == picture.metadata
    for target in ("PNG", "JPEG", "BMP", "TIFF"):
        file = written(decoded, target)
        assert file.info["dpi"] == pytest.approx(dpi, rel=1e-3)
        if target in ("PNG", "JPEG", "TIFF"):
            exif = file.getexif()
            tags = ExifTags.Base
            assert (exif[tags.XResolution], exif[tags.YResolution], exif[tags.ResolutionUnit]) == (*dpi, INCH)
        again = from_image(file)
        assert again.warnings == []
        assert dpi_of(again) == dpi
    assert codec.decode(codec.encode(picture, 50)).info["dpi"] == dpi


def test_jfif_density_in_files() -> None:
    """The format's own field is set too, for readers that ignore EXIF."""
    data = picture_bytes(fit_to_format(read("PNG", dpi=(300, 150)), "JPEG"), "JPEG")
    at = bytes(data).index(b"JFIF\0") + 7
    assert struct.unpack_from(">BHH", data, at) == (1, 300, 150)
    data = bytes(picture_bytes(fit_to_format(read("JPEG", dpi=(300, 150)), "PNG"), "PNG"))
    assert struct.unpack_from(">IIB", data, data.index(b"pHYs") + 4) == (11811, 5906, 1)


def test_dots_per_centimetre() -> None:
    buffer = io.BytesIO()
    Image.fromarray(SAMPLES).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    struct.pack_into(">BHH", data, bytes(data).index(b"JFIF\0") + 7, 2, 118, 59)
    picture = from_image(Image.open(io.BytesIO(data)))
    assert resolution_of(picture.metadata.exif) == Resolution(Fraction(118), Fraction(59), 3)
    assert written(picture, "PNG").info["dpi"] == pytest.approx((299.72, 149.86), rel=1e-4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_ratios_are_kept(kind: str) -> None:
    if kind == "PNG":
        data = png_with(Image.fromarray(SAMPLES), png_chunk(b"pHYs", struct.pack(">IIB", 2, 1, 0)))
    else:
        buffer = io.BytesIO()
        Image.fromarray(SAMPLES).save(buffer, "JPEG")
        jpeg = bytearray(buffer.getvalue())
        struct.pack_into(">BHH", jpeg, bytes(jpeg).index(b"JFIF\0") + 7, 0, 2, 1)
        data = bytes(jpeg)
    picture = from_image(Image.open(io.BytesIO(data)))
    assert (resolution_of(picture.metadata.exif), picture.warnings) == (Resolution(Fraction(2), Fraction(1), 1), [])
    assert "dpi" not in written(picture, "PNG").info


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_files_without_a_resolution(kind: str) -> None:
    picture = read(kind)
    assert picture.metadata.exif is None


def test_what_pillow_makes_up_is_none() -> None:
    """Pillow reports 72 dpi for a JPEG file without JFIF whose EXIF states none."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "me"
    buffer = io.BytesIO()
    Image.fromarray(SAMPLES).save(buffer, "JPEG", exif=exif)
    image = Image.open(io.BytesIO(b"\xff\xd8" + buffer.getvalue()[20:]))
    assert "jfif" not in image.info
    assert image.info["dpi"] == (72, 72)
    assert resolution_of(from_image(image).metadata.exif) is None


def test_exif_that_states_one_is_not_touched() -> None:
    exif = made(300)
    for options, warnings in (
        ({}, []),
        ({"dpi": (300, 300)}, []),
        ({"dpi": (301, 301)}, []),
        ({"dpi": (72, 72)}, []),
        ({"dpi": (600, 600)}, ["the resolution of 600 dpi is left out: EXIF says 300 dpi"]),
    ):
        picture = read("JPEG", exif=b"Exif\0\0" + exif, **options)
        assert (picture.metadata.exif, picture.warnings) == (exif, warnings)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_without_one_is_added_to(order: str) -> None:
    """Every byte except the offset of the first directory stays."""
    old = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 10) + b"\7\7"
    old += struct.pack(order + "HHHI", 2, 0x010F, 2, 3) + b"me\0\0"
    old += struct.pack(order + "HHIHH", 274, 3, 1, 6, 0) + bytes(4) + b"!"
    picture = read("PNG", exif=old, dpi=(300, 300))
    exif = picture.metadata.exif
    assert exif is not None
    assert exif[8 : len(old)] == old[8:]
    assert exif_orientation(exif) == picture.orientation == 6
    parsed = Image.Exif()
    parsed.load(exif)
    tags = ExifTags.Base
    assert dict(parsed) == {tags.Make: "me", tags.Orientation: 6, 282: 300, 283: 300, tags.ResolutionUnit: 2}
    again = with_resolution(exif, Resolution(Fraction(601, 2), Fraction(1, 3), 3))
    assert resolution_of(again) == Resolution(Fraction(601, 2), Fraction(1, 3), 3)


def test_damaged_exif_loses_it() -> None:
    picture = read("PNG", exif=b"II*\0\xff\xff\0\0", dpi=(300, 300))
    assert picture.warnings == ["the resolution is left out: EXIF metadata are damaged"]
    assert picture.metadata.exif == b"II*\0\xff\xff\0\0"


@pytest.mark.parametrize(
    "dpi",
    [
        (0, 0),
        (1, 1),
        (-5, 5),
        (math.nan, 3.0),
        (math.inf, 1),
        (1e9, 1e9),
        "300",
        (300,),
        ("a", "b"),
        None,
        300,
        ((), 1),
    ],
)
def test_nonsense_is_no_resolution(dpi: object) -> None:
    image = Image.fromarray(SAMPLES)
    image.info["dpi"] = dpi
    picture = from_image(image)
    assert (picture.metadata.exif, picture.warnings) == (None, [])


def test_formats_without_a_field() -> None:
    """The value that EXIF uses for an unknown resolution gives no warning."""
    for dpi, warnings in ((300, ["the resolution cannot be kept in GIF"]), (72, [])):
        out = fit_to_format(read("PNG", dpi=(dpi, dpi)), "GIF")
        assert (out.metadata, out.warnings) == (Metadata(), warnings)
    more = Image.Exif()
    more.load(made(300))
    more[ExifTags.Base.Make] = "me"
    picture = Picture(SAMPLES, metadata=Metadata(exif=more.tobytes()[6:]))
    out = fit_to_format(picture, "BMP")
    assert out.warnings == ["EXIF metadata cannot be kept in BMP"]
    assert written(picture, "BMP").info["dpi"] == pytest.approx((300, 300), rel=1e-3)
    long = replace_exif(picture, made(300)[:8] + made(300)[8:] + bytes(70000))
    assert fit_to_format(long, "JPEG").metadata.exif == made(300)
    assert written(replace_exif(picture, made(90000)), "JPEG").info["jfif_unit"] == 0


def replace_exif(picture: Picture, exif: bytes) -> Picture:
    return Picture(picture.samples, metadata=Metadata(exif=exif))


def test_stripping_takes_it_too() -> None:
    picture = stripped(fit_to_format(read("PNG", dpi=(300, 300)), "PNG"))
    assert "dpi" not in Image.open(io.BytesIO(picture_bytes(picture, "PNG"))).info


def test_turned_pictures_exchange_across_and_down() -> None:
    exif = made(100, 200)
    for orientation, expected in ((1, (100, 200)), (3, (100, 200)), (6, (200, 100)), (8, (200, 100))):
        picture = Picture(SAMPLES, orientation=orientation, metadata=Metadata(exif=exif))
        assert dpi_of(upright(picture)) == expected
    assert transposed(b"II*\0") == b"II*\0"


@given(st.binary(max_size=60), st.integers(0, 80), st.integers(0, 2**32))
def test_damaged_exif_does_no_harm(noise: bytes, cut: int, seed: int) -> None:
    whole = made(300, 200)
    mutated = bytearray(whole)
    chance = random.Random(seed)
    for _ in range(3):
        mutated[chance.randrange(len(whole))] = chance.randrange(256)
    for data in (noise, b"II*\0" + noise, whole[:cut] + noise, bytes(mutated)):
        resolution_of(data)
        assert len(transposed(data)) == len(data)
        added = with_resolution(data, Resolution(Fraction(7), Fraction(9), INCH))
        assert added is None or resolution_of(added) == Resolution(Fraction(7), Fraction(9), INCH)
        picture = Picture(SAMPLES, metadata=Metadata(exif=data))
        for kind in ("JPEG", "BMP", "PNG", "TIFF"):
            fit_to_format(picture, kind)


def test_arrays_have_none(photo: NDArray[np.uint8], codec: Codec) -> None:
    assert codec.decode_picture(codec.encode(photo[:8, :8], 50)).metadata == Metadata()
