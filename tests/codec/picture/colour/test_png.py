import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from aez.codec.codec import Codec
from aez.codec.picture.colour.conversion import samples_to_srgb, space_of
from aez.codec.picture.colour.icc import Chromaticities
from aez.codec.picture.images import from_image
from aez.codec.picture.picture import Picture
from tests.codec.picture.profiles import ADOBE, display_p3, grey, png_chunk, png_with, rgb

SRGB: Chromaticities = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOURS = np.dstack([RAMP, RAMP.T, RAMP[::-1]])


def gama(gamma: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(gamma * 100000)))


def chrm(chromaticities: Chromaticities) -> bytes:
    return png_chunk(b"cHRM", struct.pack(">8I", *(round(value * 100000) for value in chromaticities)))


def cicp(primaries: int, transfer: int, full: int = 1) -> bytes:
    return png_chunk(b"cICP", bytes([primaries, transfer, 0, full]))


def read(*chunks: bytes, samples: NDArray[np.uint8] = COLOURS, srgb: bool = False, **options: object) -> Picture:
    return from_image(Image.open(io.BytesIO(png_with(Image.fromarray(samples), *chunks, **options))), srgb=srgb)


def shown(picture: Picture) -> NDArray[np.int16]:
    """Return the samples for an sRGB display."""
    icc = picture.metadata.icc
    converted = picture.samples if icc is None else samples_to_srgb(picture.samples, icc)
    assert converted is not None
    return converted.astype(np.int16)


def encoded(light: NDArray[np.float64]) -> NDArray[np.float64]:
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([], id="nothing"),
        pytest.param([gama(0.45455)], id="gAMA"),
        pytest.param([gama(0.45455), chrm(SRGB)], id="gAMA and cHRM"),
        pytest.param([gama(0.45455), chrm((0.31269, 0.32899, 0.63999, 0.33001, *SRGB[4:]))], id="rounded"),
        pytest.param([chrm(SRGB)], id="cHRM"),
        pytest.param([png_chunk(b"sRGB", b"\0"), gama(1.0), chrm(ADOBE)], id="sRGB first"),
        pytest.param([cicp(1, 13)], id="cICP"),
        pytest.param([cicp(1, 13), gama(1.0)], id="cICP before gAMA"),
        pytest.param([cicp(2, 2)], id="unspecified"),
    ],
)
@pytest.mark.parametrize("samples", [COLOURS, RAMP], ids=["RGB", "grey"])
def test_srgb_needs_no_profile(chunks: list[bytes], samples: NDArray[np.uint8]) -> None:
    picture = read(*chunks, samples=samples)
    assert (picture.metadata.icc, picture.warnings) == (None, [])
    assert np.array_equal(picture.samples, samples)


@pytest.mark.parametrize("gamma", [1.0, 0.5, 0.55556])
@pytest.mark.parametrize("samples", [COLOURS, RAMP], ids=["RGB", "grey"])
def test_gamma_becomes_a_profile(gamma: float, samples: NDArray[np.uint8]) -> None:
    picture = read(gama(gamma), samples=samples)
    assert picture.warnings == []
    assert picture.metadata.icc is not None
    assert space_of(picture.metadata.icc) == ("RGB" if samples.ndim == 3 else "GRAY")
    assert len(picture.metadata.icc) < 500
    assert np.array_equal(picture.samples, samples)
    assert np.abs(shown(picture) - encoded((samples / 255) ** (1 / gamma))).max() <= 1
    assert np.array_equal(read(gama(gamma), samples=samples, srgb=True).samples, shown(picture))


def test_primaries_become_a_profile() -> None:
    picture = read(gama(0.45455), chrm(ADOBE))
    xyz_of = {
        name: np.array([[x / y, 1, (1 - x - y) / y] for x, y in (c[2:4], c[4:6], c[6:8])]).T
        for name, c in (("srgb", SRGB), ("adobe", ADOBE))
    }
    white = np.array([0.3127 / 0.329, 1, (1 - 0.3127 - 0.329) / 0.329])
    to_xyz = {name: m * np.linalg.solve(m, white) for name, m in xyz_of.items()}
    light = (COLOURS / 255) ** 2.2 @ (np.linalg.inv(to_xyz["srgb"]) @ to_xyz["adobe"]).T
    assert np.abs(shown(picture) - encoded(light)).max() <= 1
    assert picture.warnings == []
    picture = read(chrm(ADOBE))  # with the curve of sRGB
    assert picture.metadata.icc is not None
    grey_ramp = read(chrm(ADOBE), samples=np.dstack([RAMP] * 3))
    assert np.abs(shown(grey_ramp) - np.dstack([RAMP] * 3)).max() <= 1


@pytest.mark.parametrize(
    ("primaries", "transfer", "level", "light"),
    [
        (1, 8, 128, 0.50196),
        (9, 8, 128, 0.50196),
        (1, 1, 128, ((128 / 255 + 0.099) / 1.099) ** (1 / 0.45)),
        (9, 14, 10, 10 / 255 / 4.5),
        (6, 6, 200, ((200 / 255 + 0.099) / 1.099) ** (1 / 0.45)),
        (4, 4, 128, (128 / 255) ** 2.2),
        (5, 5, 128, (128 / 255) ** 2.8),
        (7, 7, 128, ((128 / 255 + 0.1115) / 1.1115) ** (1 / 0.45)),
        (11, 17, 128, (128 / 255) ** 2.6),
        (8, 15, 128, ((128 / 255 + 0.099) / 1.099) ** (1 / 0.45)),
        (22, 13, 128, ((128 / 255 + 0.055) / 1.055) ** 2.4),
    ],
)
def test_greys_by_code_points(primaries: int, transfer: int, level: int, light: float) -> None:
    for samples in (np.full((3, 3, 3), level, np.uint8), np.full((3, 3), level, np.uint8)):
        picture = read(cicp(primaries, transfer), samples=samples)
        assert picture.warnings == []
        assert np.abs(shown(picture) - encoded(np.array(light))).max() <= 1


def test_colours_by_code_points() -> None:
    """The red of Display P3 is outside sRGB, and the red of sRGB is 234, 51, 35 in Display P3."""
    samples = np.array([[[234, 51, 35], [255, 255, 255]]], np.uint8)
    picture = read(cicp(12, 13), samples=samples)
    assert np.abs(shown(picture) - [[255, 0, 0], [255, 255, 255]]).max() <= 2


def test_narrow_range() -> None:
    samples = np.array([[[0, 16, 235], [255, 126, 235]]], np.uint8)
    picture = read(cicp(1, 13, full=0), samples=samples)
    assert picture.warnings == []
    assert np.array_equal(picture.samples, samples)
    assert np.abs(shown(picture) - [[0, 0, 255], [255, 128, 255]]).max() <= 1


def test_the_order_of_what_counts() -> None:
    """The order is cICP, the profile, sRGB, gAMA and cHRM."""
    other = rgb("another", ADOBE)
    assert read(gama(1.0), icc_profile=other).metadata.icc == other
    assert read(cicp(1, 13), icc_profile=other).metadata.icc is None
    made = read(cicp(12, 13), icc_profile=other).metadata.icc
    assert made not in (None, other)
    assert made == read(cicp(12, 13), gama(1.0), png_chunk(b"sRGB", b"\0")).metadata.icc
    assert read(png_chunk(b"sRGB", b"\0"), gama(1.0)).metadata.icc is None


@pytest.mark.parametrize(
    ("primaries", "transfer", "named"),
    [(9, 16, "PQ"), (9, 18, "HLG"), (1, 9, "function 9"), (3, 13, "primaries 3"), (255, 255, "primaries 255")],
)
def test_colours_that_no_profile_describes(primaries: int, transfer: int, named: str) -> None:
    picture = read(cicp(primaries, transfer))
    assert picture.metadata.icc is None
    assert len(picture.warnings) == 1
    assert named in picture.warnings[0]
    fallback = read(cicp(primaries, transfer), icc_profile=display_p3())
    assert fallback.metadata.icc == display_p3()
    assert fallback.warnings == picture.warnings


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([gama(0)], id="zero"),
        pytest.param([gama(0.001)], id="too small"),
        pytest.param([gama(40000)], id="too large"),
        pytest.param([gama(0.5), chrm((0.3127, 0.329, 0, 0, 0, 0, 0, 0))], id="black primaries"),
        pytest.param([gama(0.5), chrm((0.3127, 0.329, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3))], id="one primary"),
        pytest.param([gama(0.5), chrm((0, 0.1, *SRGB[2:]))], id="white beyond the primaries"),
        pytest.param([chrm((40000,) * 8)], id="chromaticities too large"),
    ],
)
def test_nonsense_is_named(chunks: list[bytes]) -> None:
    picture = read(*chunks)
    assert picture.metadata.icc is None
    assert len(picture.warnings) == 1
    assert "gAMA and cHRM" in picture.warnings[0]


def test_text_is_no_colour() -> None:
    """Pillow stores text under its keyword, in the same dict as the values of chunks."""
    text = PngImagePlugin.PngInfo()
    for name in ("gamma", "chromaticity", "srgb", "icc_profile", "dpi"):
        text.add_text(name, "12")
    picture = read(pnginfo=text)
    assert picture.metadata.icc is None
    assert np.array_equal(picture.samples, COLOURS)


@given(st.binary(max_size=40), st.sampled_from([b"cICP", b"gAMA", b"cHRM", b"sRGB"]))
def test_damaged_chunks_do_no_harm(noise: bytes, kind: bytes) -> None:
    file = io.BytesIO(png_with(Image.fromarray(RAMP), png_chunk(kind, noise)))
    try:
        image = Image.open(file)
    except Exception:  # Pillow rejects the file
        return
    assert np.array_equal(from_image(image).samples, RAMP)


@pytest.mark.parametrize("noise", [b"", bytes(4), bytes(28)])
def test_damaged_primaries_do_no_harm(noise: bytes) -> None:
    """Some versions of Pillow pass on whatever number of values the chunk has."""
    image = Image.fromarray(RAMP)
    image.info["chromaticity"] = tuple(value / 100000 for value in noise[::4])
    assert np.array_equal(from_image(image).samples, RAMP)


def test_palettes_transparency_and_copies() -> None:
    grey_palette = Image.fromarray(RAMP).quantize(256)
    file = png_with(grey_palette, gama(1.0))
    icc = from_image(Image.open(io.BytesIO(file))).metadata.icc
    assert icc is not None
    assert space_of(icc) == "GRAY"
    file = png_with(Image.fromarray(COLOURS).convert("RGBA"), gama(1.0))
    image = Image.open(io.BytesIO(file))
    assert space_of(from_image(image).metadata.icc or b"") == "RGB"
    image.load()
    assert space_of(from_image(image.convert("L")).metadata.icc or b"") == "GRAY"


def test_the_profile_goes_into_files(codec: Codec) -> None:
    with pytest.warns(UserWarning, match="PQ"):
        codec.encode(Image.open(io.BytesIO(png_with(Image.fromarray(COLOURS), cicp(9, 16)))), 30)
    image = codec.decode(codec.encode(Image.open(io.BytesIO(png_with(Image.fromarray(RAMP), gama(1.0)))), 30))
    assert image.mode == "L"
    assert space_of(image.info["icc_profile"]) == "GRAY"
    assert grey() != image.info["icc_profile"]
