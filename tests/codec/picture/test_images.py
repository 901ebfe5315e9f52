import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin

from aez.bitstream import ImageError
from aez.codec.codec import Codec
from aez.codec.picture.images import flattened, from_array, from_image, stripped, turned, upright
from aez.codec.picture.metadata.chunks import Metadata, exif_orientation
from aez.codec.picture.outputs import fit_to_format, picture_bytes

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(photo: Photo) -> Image.Image:
    return Image.fromarray(photo[100:124, 200:230])


def palette_with_transparency(image: Image.Image) -> Image.Image:
    out = image.quantize(16)
    out.info["transparency"] = out.getpixel((0, 0))
    return out


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
    """The right half is transparent, wholly or in part."""
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


def test_transparent_palette_entries(picture: Image.Image) -> None:
    image = palette_with_transparency(picture)
    result = from_image(image)
    clear = np.asarray(image) == image.info["transparency"]
    assert result.alpha is not None
    assert np.array_equal(result.alpha == 0, clear)
    assert set(np.unique(result.alpha)) == {0, 255}
    assert np.array_equal(result.samples[~clear], np.asarray(picture.quantize(16).convert("RGB"))[~clear])


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_transparent_colours(mode: str) -> None:
    image = Image.new("RGB", (4, 4), (10, 20, 30)).convert(mode)
    image.putpixel((1, 2), 77 if mode == "L" else (77, 77, 77))
    image.info["transparency"] = image.getpixel((1, 2))
    result = from_image(image)
    assert result.alpha is not None
    assert result.alpha[2, 1] == 0
    assert result.alpha.sum() == 15 * 255


def test_flattening_mixes(picture: Image.Image) -> None:
    image = Image.new("RGBA", (3, 2), (100, 0, 200, 51))
    assert np.abs(flattened(from_image(image)).samples[0, 0].astype(int) - (224, 204, 244)).max() <= 1
    assert flattened(from_image(image), (0, 0, 0)).samples[0, 0].tolist() == [20, 0, 40]
    grey = from_image(Image.new("LA", (3, 2), (100, 51)))
    assert flattened(grey).samples.tolist() == [[224] * 3] * 2
    assert flattened(grey, (0, 0, 255)).samples[0, 0].tolist() == [20, 20, 224]
    plain = from_image(picture)
    assert flattened(plain) is plain


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_16_bits_keep_their_high_byte(mode: str) -> None:
    values = np.linspace(0, 65535, 35).round().reshape(5, 7)
    if mode == "I;16B":
        image = Image.frombytes("I;16B", (7, 5), values.astype(">u2").tobytes())
    else:
        image = Image.fromarray(values.astype(np.int32 if mode == "I" else np.uint16))
    assert image.mode == mode
    result = from_image(image)
    assert result.warnings == ["16-bit samples are coded with 8 bits"]
    assert np.array_equal(result.samples, np.round(values / 257))
    array = from_array(values.astype(np.uint16))
    assert array.warnings == result.warnings
    assert np.array_equal(array.samples, result.samples)


def png_16_bits(samples: NDArray[np.uint16], key: tuple[int, ...] = ()) -> bytes:
    """A PNG file of (H, W, 3) samples; Pillow writes none."""
    height, width, _ = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return png_file(width, height, 16, 2, rows, key)


def png_file(width: int, height: int, depth: int, kind: int, rows: bytes, key: tuple[int, ...]) -> bytes:
    """A PNG file of rows as they are packed, each behind its filter byte."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    header += chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("key", ["first", "last", "high bits set"])
def test_transparent_greys_of_any_depth(depth: int, key: str) -> None:
    """One row of eight pixels: the first and the last level in turn."""
    last = 2**depth - 1
    levels = [0, last] * 4
    bits = "".join(f"{level:0{depth}b}" for level in levels)
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    wanted = {"first": 0, "last": last, "high bits set": last | (0 if depth == 1 else 256)}[key]
    result = from_image(Image.open(io.BytesIO(png_file(8, 1, depth, 0, row, (wanted,)))))
    assert result.alpha is not None
    assert result.samples.tolist() == [[0, 255] * 4]
    assert result.alpha.tolist() == [([0, 255] if key == "first" else [255, 0]) * 4]


@pytest.mark.parametrize("loaded", [False, True])
def test_transparent_colours_of_16_bits(loaded: bool) -> None:
    samples = np.full((2, 2, 3), 0x1234, np.uint16)
    samples[:, 1] = 0xABCD, 0x0102, 0xFFFE
    image = Image.open(io.BytesIO(png_16_bits(samples, (0xABCD, 0x0102, 0xFFFE))))
    if loaded:
        image.load()
    result = from_image(image)
    assert result.alpha is not None
    assert result.alpha.tolist() == [[255, 0]] * 2
    assert image.info["transparency"] == (0xABCD, 0x0102, 0xFFFE)


@pytest.mark.parametrize("key", [b"\x07", "white", (1, 2), None])
def test_transparency_that_is_no_colour_is_ignored(key: Any) -> None:
    image = Image.new("RGB", (4, 4), 7)
    image.info["transparency"] = key
    assert from_image(image).alpha is None


def test_16_bit_colour_is_noticed() -> None:
    samples = np.linspace(0, 65535, 60).astype(np.uint16).reshape(4, 5, 3)
    result = from_image(Image.open(io.BytesIO(png_16_bits(samples))))
    assert result.warnings == ["16-bit samples are coded with 8 bits"]
    assert np.abs(result.samples.astype(int) - samples // 256).max() <= 1


def test_floats_and_large_integers_are_scaled_from_their_range() -> None:
    for values in (np.array([[-2.5, 0.0, 2.5]], np.float32), np.array([[-(10**6), 0, 10**6]], np.int32)):
        result = from_image(Image.fromarray(values))
        assert result.samples[0].tolist() == [0, 128, 255]
        assert any("8 bits" in warning for warning in result.warnings)
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
    """sRGB's profile with the red and blue primaries exchanged, under another name."""
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
    """As every `save` of Pillow has it; the image stays where and what it is."""
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
    """Damaged AVIF pictures raise RuntimeError, damaged TIFF ones TypeError, and so on."""

    def load(_: Image.Image) -> None:
        raise error("damaged")

    monkeypatch.setattr(Image.Image, "load", load)
    with pytest.raises(ImageError, match="damaged"):
        from_image(picture)


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
        other = np.asarray(turned(Image.fromarray(samples), candidate)).astype(int)
        errors.append(np.abs(back - other).mean() if other.shape == back.shape else 255.0)
    assert np.array_equal(np.asarray(turned(Image.fromarray(samples), orientation)), seen)
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


def test_stripping(picture: Image.Image) -> None:
    for profile, kept in ((profile_bytes("sRGB"), None), (swapped_profile(), swapped_profile())):
        image = with_profile(picture, profile)
        image.info["xmp"] = b"<x/>"
        image.getexif()[ExifTags.Base.Artist] = "somebody"
        assert stripped(from_image(image)).metadata == Metadata(icc=kept)


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
    """Whoever turns by the header and whoever turns by EXIF see the same, and nothing is turned twice."""
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


def test_arrays(photo: Photo) -> None:
    assert np.array_equal(from_array(photo[:5, :7]).samples, photo[:5, :7])
    assert from_array(photo[:5, :7, :1]).mode == from_array(photo[:5, :7, 0]).mode == "L"
    for channels, mode in ((2, "LA"), (3, "RGB"), (4, "RGBA")):
        array = np.dstack([photo, photo])[:5, :7, :channels]
        result = from_array(array)
        assert result.mode == mode
        assert np.array_equal(result.to_array(), array)
    assert from_array(photo[::2, ::-1]).samples.flags.c_contiguous


@pytest.mark.parametrize("shape", [(4,), (4, 4, 5), (4, 4, 0), (4, 4, 3, 1), (0, 4, 3), (4, 0, 3), (0, 0), (4, 0), ()])
def test_arrays_of_other_shapes(codec: Codec, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        codec.encode(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint32, np.int64, complex])
def test_arrays_of_other_types(codec: Codec, dtype: Any) -> None:
    """The error says what was given, and a line that converts it."""
    array = np.zeros((4, 4, 3), dtype)
    with pytest.raises(TypeError, match="must be uint8") as caught:
        codec.encode(array)
    words = str(caught.value)
    assert f"not {array.dtype}: " in words
    if array.dtype != complex:
        converted = eval(words.rsplit(" by ", 1)[1], {"array": array})
        assert codec.decode_array(codec.encode(converted, 10)).shape == array.shape


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_either_byte_order(dtype: str) -> None:
    values = np.array([[0, 128, 129, 256, 65535]])
    result = from_array(values.astype(dtype))
    assert result.samples.tolist() == [[0, 0, 1, 1, 255]]
    assert result.warnings == ["16-bit samples are coded with 8 bits"]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bool_is_black_and_white(channels: int) -> None:
    array = np.zeros((2, 3, channels), bool)
    array[0, 1] = True
    result = from_array(array)
    assert (result.samples.dtype, result.warnings) == (np.uint8, [])
    assert result.to_array().reshape(2, 3, channels).tolist() == (array * 255).tolist()


def test_channels_first() -> None:
    with pytest.raises(ValueError, match=r"not \(3, 40, 50\): array.transpose\(1, 2, 0\) puts"):
        from_array(np.zeros((3, 40, 50), np.uint8))


@pytest.mark.parametrize("image", [b"\x89PNG", None, {}, [["a"]]])
def test_what_is_no_picture(codec: Codec, image: Any) -> None:
    with pytest.raises(TypeError, match=f"array or the path of a file, not as {type(image).__name__}"):
        codec.encode(image)
