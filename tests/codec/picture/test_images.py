import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from aez.bitstream import ImageError
from aez.codec.codec import Codec
from aez.codec.picture.images import from_image
from aez.codec.picture.inputs import from_array
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.picture import stripped

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(photo: Photo) -> Image.Image:
    return Image.fromarray(photo[100:124, 200:230])


@pytest.mark.parametrize(
    ("make", "mode", "warning", "tolerance"),
    [
        pytest.param(lambda i: i, "RGB", None, 0, id="RGB"),
        pytest.param(lambda i: i.convert("1"), "L", None, None, id="1"),
        pytest.param(lambda i: i.convert("L"), "L", None, None, id="L"),
        pytest.param(lambda i: i.convert("LA"), "LA", None, None, id="LA"),
        pytest.param(lambda i: i.quantize(256), "RGB", None, 20, id="P"),
        pytest.param(lambda i: i.convert("L").quantize(256), "L", None, None, id="P grey"),
        pytest.param(lambda i: i.convert("CMYK"), "RGB", "CMYK", 1, id="CMYK"),
        pytest.param(lambda i: i.convert("YCbCr"), "RGB", "YCbCr", 3, id="YCbCr"),
        pytest.param(lambda i: i.convert("HSV"), "RGB", "HSV", 12, id="HSV"),
        pytest.param(lambda i: i.convert("RGBA"), "RGBA", None, 0, id="RGBA"),
        pytest.param(lambda i: i.convert("RGBX"), "RGB", "RGBX", 0, id="RGBX"),
    ],
)
def test_modes(
    picture: Image.Image,
    make: Callable[[Image.Image], Image.Image],
    mode: str,
    warning: str | None,
    tolerance: int | None,
) -> None:
    image = make(picture)
    result = from_image(image)
    assert result.mode == mode
    assert result.samples.shape == ((24, 30) if mode[0] == "L" else (24, 30, 3))
    assert result.samples.dtype == np.uint8
    assert (result.orientation, result.metadata) == (1, Metadata())
    if warning is None:
        assert result.warnings == []
    else:
        assert len(result.warnings) == 1
        assert warning in result.warnings[0]
    expected = np.asarray(picture if tolerance is not None else image.convert("L")).astype(int)
    assert np.abs(result.samples - expected).max() <= (tolerance or 0)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "La", "RGBa", "PA"])
def test_alpha_is_kept(picture: Image.Image, mode: str) -> None:
    """The right half is transparent, wholly or partly."""
    mask = Image.new("L", picture.size, 255)
    mask.paste(77, (15, 0, 20, 24))
    mask.paste(0, (20, 0, 30, 24))
    image = picture.convert("P").convert("PA") if mode == "PA" else picture.convert("LA" if mode[0] == "L" else "RGBA")
    image.putalpha(mask)
    image = image.convert(mode)
    assert image.mode == mode
    result = from_image(image)
    assert result.warnings == []
    assert result.mode == ("LA" if mode[0] == "L" else "RGBA")
    assert result.alpha is not None
    assert np.array_equal(result.alpha, np.asarray(mask))
    plain = np.asarray(image.convert(result.mode))[:, :15, :-1].squeeze()
    assert np.array_equal(result.samples[:, :15], plain)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_16_bits_are_kept(mode: str) -> None:
    values = np.linspace(0, 65535, 35).round().reshape(5, 7)
    if mode == "I;16B":
        image = Image.frombytes("I;16B", (7, 5), values.astype(">u2").tobytes())
    else:
        image = Image.fromarray(values.astype(np.int32 if mode == "I" else np.uint16))
    assert image.mode == mode
    result = from_image(image)
    assert (result.warnings, result.depth) == ([], 16)
    assert np.array_equal(result.samples, values)
    array = from_array(values.astype(np.uint16))
    assert array.warnings == result.warnings
    assert np.array_equal(array.samples, result.samples)


def test_floats_and_large_integers_are_scaled_from_their_range() -> None:
    for values in (np.array([[-2.5, 0.0, 2.5]], np.float32), np.array([[-(10**6), 0, 10**6]], np.int32)):
        result = from_image(Image.fromarray(values))
        assert result.samples[0].tolist() == [0, 32768, 65535]
        assert any("scaled from their range" in warning for warning in result.warnings)
    assert from_image(Image.new("F", (3, 3), 7.5)).samples.max() == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(ImageError, match="numbers"):
        from_image(Image.fromarray(np.array([[0, bad]], np.float32)))


def test_lab_is_converted(picture: Image.Image) -> None:
    profile = ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), profile, outputMode="LAB")
    assert lab is not None
    assert lab.mode == "LAB"
    result = from_image(lab)
    assert len(result.warnings) == 1
    assert np.abs(result.samples.astype(int) - np.asarray(picture)).mean() < 4


def with_profile(image: Image.Image, profile: bytes) -> Image.Image:
    image = image.copy()
    image.info["icc_profile"] = profile
    return image


def profile_bytes(name: str) -> bytes:
    profile: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore
    return profile


def swapped_profile() -> bytes:
    """Return sRGB's profile with red and blue primaries exchanged, under another name."""
    data = profile_bytes("sRGB")
    hurt = data.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    return hurt.replace("sRGB".encode("utf-16-be"), "BGR!".encode("utf-16-be")).replace(b"sRGB", b"BGR!")


@pytest.mark.parametrize("name", ["sRGB", "swapped", "nonsense"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_profiles_are_kept(picture: Image.Image, name: str, mode: str) -> None:
    profile = {"sRGB": profile_bytes("sRGB"), "swapped": swapped_profile(), "nonsense": b"nonsense"}[name]
    image = with_profile(picture.quantize(64) if mode == "P" else picture.convert(mode), profile)
    result = from_image(image)
    assert result.warnings == []
    assert result.metadata.icc == profile
    expected = np.asarray(image.convert("RGB") if mode == "P" else image)
    assert np.array_equal(result.to_array(), expected)


def test_conversion_to_srgb(picture: Image.Image) -> None:
    result = from_image(with_profile(picture, swapped_profile()), srgb=True)
    assert (result.warnings, result.metadata.icc) == ([], None)
    assert np.abs(result.samples.astype(int) - np.asarray(picture)[..., ::-1]).mean() < 2
    result = from_image(with_profile(picture.convert("RGBA"), swapped_profile()), srgb=True)
    assert result.mode == "RGBA"
    assert np.abs(result.samples.astype(int) - np.asarray(picture)[..., ::-1]).mean() < 2
    result = from_image(with_profile(picture, profile_bytes("sRGB")), srgb=True)
    assert (result.warnings, result.metadata.icc) == ([], None)
    assert np.array_equal(result.samples, np.asarray(picture))


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 200])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_unusable_profiles_are_left_out_of_conversions(picture: Image.Image, profile: bytes, mode: str) -> None:
    image = with_profile(picture.convert(mode), profile)
    result = from_image(image, srgb=True)
    assert any("cannot be used" in warning for warning in result.warnings)
    assert result.metadata.icc is None
    assert np.array_equal(result.samples, np.asarray(image.convert("RGB") if mode == "CMYK" else image))


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP"])
def test_the_frame_at_which_an_image_stands_is_taken(codec: Codec, picture: Image.Image, kind: str) -> None:
    """Pillow's `save` also takes the current frame; the image keeps its position and contents."""
    frames = [picture, Image.new("RGB", picture.size, "red"), Image.new("RGB", picture.size, "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], lossless=True)
    image = Image.open(buffer)
    for number, colour in ((2, (0, 0, 255)), (1, (255, 0, 0))):
        image.seek(number)
        result = from_image(image)
        assert (image.tell(), result.warnings) == (number, [])
        assert result.to_array()[3, 3, :3].tolist() == list(colour)
        image.putpixel((3, 3), (9, 9, 9) if image.mode == "RGB" else 9)
        codec.encode(image, 10)
        assert image.getpixel((3, 3)) in (9, (9, 9, 9))


def test_truncated_pictures_are_refused(photo: Photo) -> None:
    buffer = io.BytesIO()
    Image.fromarray(photo[:100, :100]).save(buffer, "PNG")
    image = Image.open(io.BytesIO(buffer.getvalue()[:4000]))
    with pytest.raises(ImageError, match="cannot be read"):
        from_image(image)


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, TypeError, KeyError, IndexError, struct.error])
def test_whatever_a_plugin_raises_is_an_image_error(
    picture: Image.Image, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Damaged AVIF pictures raise RuntimeError, damaged TIFF pictures TypeError, and so on."""

    def load(_: Image.Image) -> None:
        raise error("damaged")

    monkeypatch.setattr(Image.Image, "load", load)
    with pytest.raises(ImageError, match="damaged"):
        from_image(picture)


def test_stripping(picture: Image.Image) -> None:
    for profile, kept in ((profile_bytes("sRGB"), None), (swapped_profile(), swapped_profile())):
        image = with_profile(picture, profile)
        image.info["xmp"] = b"<x/>"
        image.getexif()[ExifTags.Base.Artist] = "somebody"
        assert stripped(from_image(image)).metadata == Metadata(icc=kept)
