import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.codec.picture.alpha.transparency import flattened
from aez.codec.picture.images import from_image
from aez.codec.picture.picture import Picture

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(photo: Photo) -> Image.Image:
    return Image.fromarray(photo[100:124, 200:230])


def palette_with_transparency(image: Image.Image) -> Image.Image:
    out = image.quantize(16)
    out.info["transparency"] = out.getpixel((0, 0))
    return out


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


def png_16_bits(samples: NDArray[np.uint16], key: tuple[int, ...] = ()) -> bytes:
    """Write a PNG file of 16-bit (H, W, 3) samples, which Pillow cannot write."""
    height, width, _ = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return png_file(width, height, 16, 2, rows, key)


def png_file(width: int, height: int, depth: int, kind: int, rows: bytes, key: tuple[int, ...]) -> bytes:
    """Write a PNG file from packed rows, each with its filter byte."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    header += chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("key", ["first", "last", "high bits set"])
def test_transparent_greys_of_any_depth(depth: int, key: str) -> None:
    """The picture is one row of eight pixels that alternate between the first and the last level."""
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


def test_transparent_colours_of_16_bits_are_compared_in_all_bits() -> None:
    samples = np.full((1, 2, 3), 0x1234, np.uint16)
    samples[0, 1, 2] = 0x1235
    result = from_image(Image.open(io.BytesIO(png_16_bits(samples, (0x1234,) * 3))))
    assert result.alpha is not None
    assert result.alpha.tolist() == [[0, 255]]


@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 2)])
def test_deep_pictures_are_flattened_at_their_depth(shape: tuple[int, ...]) -> None:
    samples = np.full(shape, 40001, np.uint16)
    alpha = np.array([[0, 255], [128, 1]], np.uint8)
    flat = flattened(Picture(samples, alpha), (10, 10, 10)).samples
    assert flat.dtype == np.uint16
    expected = np.round((40001.0 * alpha + 2570.0 * (255 - alpha)) / 255)
    assert np.array_equal(flat if flat.ndim == 2 else flat[..., 0], expected)
