import io
import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from aez.codec.codec import Codec
from aez.codec.picture.colour.conversion import is_srgb, matched, samples_to_srgb, space_of
from aez.codec.picture.colour.icc import Curve
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.outputs import fit_to_format, picture_bytes
from aez.codec.picture.picture import Picture, stripped
from tests.codec.picture.profiles import ADOBE, C2_CURVE, LINEAR, display_p3, grey, rgb, srgb_table, version_2

LCMS: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # type: ignore[no-untyped-call]
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def as_file(image: Image.Image, profile: bytes) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", icc_profile=profile)
    return Image.open(buffer)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(LCMS, id="lcms"),
        pytest.param(LCMS.replace("sRGB".encode("utf-16-be"), "Pear".encode("utf-16-be")), id="another name"),
        pytest.param(rgb(), id="version 4, parametric"),
        pytest.param(version_2(C2_CURVE), id="c2"),
        pytest.param(version_2(srgb_table(1024), (0xF351, 0x10000, 0x116CC)), id="version 2, white of D65"),
        pytest.param(grey(), id="grey"),
    ],
)
def test_profiles_for_srgb(profile: bytes) -> None:
    assert is_srgb(profile)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(rgb("sRGB IEC61966-2.1", curve=LINEAR), id="linear"),
        pytest.param(rgb("sRGB", curve=Curve((2.2,))), id="gamma 2.2"),
        pytest.param(rgb("sRGB", curve=Curve((1.8,))), id="gamma 1.8"),
        pytest.param(rgb("sRGB", ADOBE), id="other primaries"),
        pytest.param(display_p3(), id="Display P3"),
        pytest.param(grey(Curve((2.2,))), id="grey gamma 2.2"),
        pytest.param(b"sRGB" * 100, id="no profile"),
        pytest.param(rgb("sRGB")[:300], id="cut off"),
        pytest.param(LCMS[:16] + b"CMYK" + LCMS[20:], id="for CMYK"),
    ],
)
def test_profiles_for_other_colours(profile: bytes) -> None:
    assert not is_srgb(profile)


def test_linear_samples_are_converted(photo: NDArray[np.uint8]) -> None:
    """The profile is named sRGB but does not describe it."""
    samples, profile = photo[:40, :40], rgb("Linear sRGB", curve=LINEAR)
    light = samples / 255
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    read = from_image(as_file(Image.fromarray(samples), profile), srgb=True)
    assert (read.metadata.icc, read.warnings) == (None, [])
    assert np.abs(read.samples - expected).max() <= 1
    picture = Picture(samples, metadata=Metadata(icc=profile))
    assert stripped(picture).metadata.icc == profile
    for kind, srgb in (("BMP", False), ("PNG", True)):
        out = fit_to_format(picture, kind, srgb=srgb)
        assert (out.metadata.icc, out.warnings) == (None, [])
        assert np.array_equal(out.samples, read.samples)


def test_large_pictures_are_converted_in_bands(monkeypatch: pytest.MonkeyPatch, photo: NDArray[np.uint8]) -> None:
    profile = display_p3()
    for samples in (photo[:50, :41], np.ascontiguousarray(photo[:50, :41, 1])):
        whole = samples_to_srgb(samples, profile if samples.ndim == 3 else grey(LINEAR))
        monkeypatch.setattr("aez.codec.picture.colour.conversion._BAND", 41 * 7)
        bands = samples_to_srgb(samples, profile if samples.ndim == 3 else grey(LINEAR))
        assert whole is not None
        assert not np.array_equal(whole, samples)
        assert bands is not None
        assert np.array_equal(bands, whole)


def grey_image(mode: str) -> Image.Image:
    if mode in ("I;16", "I", "F"):
        return Image.fromarray(RAMP.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]) * 257)
    image = Image.fromarray(RAMP)
    if mode == "P":
        image.putpalette([level for value in range(256) for level in (value, value, value)])
    return image if mode in ("P", "L") else image.convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "I", "F"])
def test_grey_samples_with_a_profile_for_rgb(mode: str) -> None:
    image = grey_image(mode)
    plain = from_image(image).samples
    assert plain.ndim == 2
    image.info["icc_profile"] = display_p3()
    read = from_image(image)
    assert read.metadata.icc == display_p3()
    assert np.array_equal(read.samples, np.dstack([plain] * 3))
    assert (read.alpha is None) == (mode != "LA")
    assert not any("profile" in warning for warning in read.warnings)
    converted = from_image(image, srgb=True)
    assert converted.metadata.icc is None
    assert not any("profile" in warning for warning in converted.warnings)
    image.info["icc_profile"] = LCMS
    read = from_image(image)
    assert read.metadata.icc is None
    assert np.array_equal(read.samples, plain)


def test_deep_grey_samples_are_converted_through_their_profile() -> None:
    image = grey_image("I;16")
    image.info["icc_profile"] = grey(LINEAR)
    assert from_image(image).metadata.icc == grey(LINEAR)
    read = from_image(image, srgb=True)
    assert read.metadata.icc is None
    assert read.samples.ndim == 2
    assert read.warnings == ["16-bit samples are converted to sRGB with 8 bits"]
    assert abs(int(read.samples[8, 0]) - 188) <= 1  # linear 128


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("srgb", [False, True])
def test_colours_with_a_profile_for_grey(photo: NDArray[np.uint8], mode: str, srgb: bool) -> None:
    image = Image.fromarray(photo[:20, :20])
    image = image.quantize(16) if mode == "P" else image.convert(mode)
    image.info["icc_profile"] = grey(LINEAR)
    read = from_image(image, srgb=srgb)
    assert read.metadata.icc is None
    assert read.warnings == ["the colour profile is not one for RGB pictures and is left out"]
    assert np.array_equal(read.samples, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["YCbCr", "RGBX"])
def test_profiles_of_modes_that_become_rgb_are_kept(photo: NDArray[np.uint8], mode: str) -> None:
    image = Image.fromarray(photo[:20, :20]).convert(mode)
    image.info["icc_profile"] = display_p3()
    assert from_image(image).metadata.icc == display_p3()
    converted = from_image(image, srgb=True)
    assert converted.metadata.icc is None
    assert not np.array_equal(converted.samples, from_image(image).samples)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "JPEG2000", "BMP", "GIF"])
@pytest.mark.parametrize("srgb", [False, True])
def test_files_have_profiles_for_their_samples(kind: str, srgb: bool) -> None:
    """This holds also for `.aez` files that other programs wrote."""
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip(f"this Pillow does not have {kind}")
    alphas = (None, np.full_like(RAMP, 99))
    for profile, samples, alpha in (
        *((display_p3(), RAMP, alpha) for alpha in alphas),
        *((grey(LINEAR), RAMP, alpha) for alpha in alphas),
        (grey(LINEAR), np.dstack([RAMP] * 3), None),
    ):
        out = fit_to_format(Picture(samples, alpha, metadata=Metadata(icc=profile)), kind, srgb=srgb)
        soft = kind == "GIF" and alpha is not None
        assert len(out.warnings) == (samples.ndim == 3) + soft
        file = Image.open(io.BytesIO(picture_bytes(out, kind)))
        written = file.info.get("icc_profile")
        if written is not None:
            assert space_of(written) == ("GRAY" if file.mode in ("L", "LA") else "RGB")
        elif profile == grey(LINEAR) and samples.ndim == 2 and alpha is None:
            assert abs(int(np.asarray(file.convert("L"))[8, 0]) - 188) <= 2


def test_decoded_images_have_profiles_for_their_samples(codec: Codec) -> None:
    picture = Picture(RAMP, metadata=Metadata(icc=display_p3()))
    image = codec.decode(codec.encode(picture, 50))
    assert image.mode == "RGB"
    assert image.info["icc_profile"] == display_p3()
    picture = Picture(RAMP, metadata=Metadata(icc=grey(LINEAR)))
    image = codec.decode(codec.encode(picture, 50))
    assert (image.mode, image.info["icc_profile"]) == ("L", grey(LINEAR))


def test_headers_of_profiles() -> None:
    assert [space_of(p) for p in (rgb(), grey(), b"", b"\0" * 200, rgb()[:100])] == ["RGB", "GRAY", None, None, None]
    strange = rgb()[:16] + b"\xff\0\0\xe9" + rgb()[20:]
    assert matched(RAMP, strange)[1] is None
    assert struct.unpack(">I", rgb()[:4]) == (len(rgb()),)
