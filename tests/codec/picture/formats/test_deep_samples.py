"""Files of more than 8 bits per sample: reading all bits of them, and writing PNG."""

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import ImageError, LimitError
from aez.codec.picture.depth import narrowed, to_16_bits, widened
from aez.codec.picture.formats.deep_png import deep_png
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.outputs import write_picture
from aez.codec.picture.picture import Picture
from aez.codec.picture.reading import read_picture

Deep = NDArray[np.uint16]
KINDS = {1: 0, 2: 4, 3: 2, 4: 6}
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row and column, and steps, of the seven parts of an interlaced PNG file."""


def noise(height: int, width: int, channels: int) -> Deep:
    return np.random.default_rng(height * width).integers(0, 65536, (height, width, channels)).astype(np.uint16)


def png(array: Deep, *, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """Write (H, W, C) samples as a PNG file without filters."""
    height, width, channels = array.shape
    steps = PASSES if interlaced else ((0, 0, 1, 1),)
    parts = [array[top::down, left::across].astype(">u2") for top, left, down, across in steps]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, KINDS[channels], 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def read(data: bytes) -> Picture:
    return read_picture(io.BytesIO(data))


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (13, 9), (70, 33)])
def test_png(size: tuple[int, int], channels: int, interlaced: bool) -> None:
    array = noise(*size, channels)
    picture = read(png(array, interlaced=interlaced))
    colours = array if channels in (1, 3) else array[..., :-1]
    assert picture.depth == 16
    assert np.array_equal(picture.samples, colours if channels > 2 else colours[..., 0])
    if channels in (2, 4):
        assert picture.alpha is not None
        assert np.array_equal(picture.alpha, np.round(array[..., -1] / 257))
        assert picture.warnings == ["16-bit transparency is rounded to 8 bits"]
    else:
        assert (picture.alpha, picture.warnings) == (None, [])


def test_an_image_that_pillow_has_opened(tmp_path: Path) -> None:
    """Once it is loaded, only Pillow's 8 bits are left; the image is usable in both cases."""
    array = noise(13, 9, 3)
    (tmp_path / "a.png").write_bytes(png(array))
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(from_image(image).samples, array)
        assert np.array_equal(np.asarray(image), array >> 8)
        assert from_image(image).depth == 8


@pytest.mark.parametrize(
    ("bits", "depth"), [(None, 16), (16, 16), (14, 16), (12, 12), (11, 12), (10, 10), (9, 10), (8, 16), (0, 16)]
)
def test_significant_bits_of_png(bits: int | None, depth: int) -> None:
    for channels in (1, 2, 3, 4):
        stated = (
            b"" if bits is None else chunk(b"sBIT", bytes([bits] * (channels - (channels in (2, 4))) + [16])[:channels])
        )
        assert read(png(noise(3, 5, channels), extra=stated)).depth == depth


@pytest.mark.parametrize("cut", [20, 40, 300, 700])
def test_damaged_png(cut: int) -> None:
    with pytest.raises(ImageError):
        read(png(noise(13, 9, 3))[:cut])


def test_the_limit_comes_before_the_pixels() -> None:
    data = bytearray(png(noise(13, 9, 3)))
    data[16:24] = struct.pack(">II", 60000, 60000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(LimitError, match="3600000000 pixels"):
        read(bytes(data))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_tiff(compression: str | None, order: Any, channels: int, tile: tuple[int, int] | None) -> None:
    tifffile = pytest.importorskip("tifffile")
    array = noise(40, 33, channels)
    array[..., 3:] = 65535
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        array if channels > 1 else array[..., 0],
        byteorder=order,
        photometric="rgb" if channels > 1 else "minisblack",
        compression=compression,
        predictor=2 if compression else None,
        tile=tile,
        extrasamples=["unassalpha"] if channels == 4 else None,
    )
    picture = read(buffer.getvalue())
    assert (picture.depth, picture.warnings) == (16, [])
    assert np.array_equal(picture.samples, array[..., :3] if channels > 1 else array[..., 0])


def test_separate_planes_are_refused() -> None:
    """Pillow would read their bytes as samples of 8 bits."""
    tifffile = pytest.importorskip("tifffile")
    planes = np.random.default_rng(0).integers(0, 65536, (3, 19, 23), np.uint16)
    for compression in (None, "zlib"):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, planes, photometric="rgb", planarconfig="separate", compression=compression)
        with pytest.raises(ImageError, match="separate planes"):
            from_image(Image.open(buffer))


def test_white_is_zero() -> None:
    tifffile = pytest.importorskip("tifffile")
    ink = np.arange(0, 65536, 150).astype(np.uint16)[:437].reshape(19, 23)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ink, photometric="miniswhite")
    assert np.array_equal(from_image(Image.open(buffer)).samples, 65535 - ink)


@pytest.mark.parametrize("frame", [1, 2, 3])
def test_pages_of_tiff(frame: int) -> None:
    tifffile = pytest.importorskip("tifffile")
    pages, buffer = [noise(12 + n, 20, 3) for n in range(3)], io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for page in pages:
            writer.write(page, photometric="rgb")
    picture = read_picture(io.BytesIO(buffer.getvalue()), frame=frame)
    assert np.array_equal(picture.samples, pages[frame - 1])
    assert picture.warnings == [f"only frame {frame} of 3 is kept"]


@pytest.mark.parametrize("mode", ["RGB;16", "L;16", "RGBA;16"])
def test_heic_of_10_bits(mode: str) -> None:
    heif = pytest.importorskip("pillow_heif")
    channels = {"RGB;16": 3, "L;16": 1, "RGBA;16": 4}[mode]
    ramp = np.repeat(np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64, 1), channels, 2)
    ramp[..., 3:] = 65535
    buffer = io.BytesIO()
    heif.from_bytes(mode, (64, 64), ramp.tobytes()).save(buffer, quality=95)
    picture = read(buffer.getvalue())
    assert (picture.depth, picture.warnings) == (10, [])
    assert len(np.unique(picture.samples)) > 500
    assert np.array_equal(widened(narrowed(picture.samples, 10), 10), picture.samples)
    assert np.abs(picture.samples - ramp[..., : min(3, channels)].squeeze().astype(float)).mean() < 300


def test_ppm_of_16_bits() -> None:
    """Of colour Pillow gives 8 bits, of grey all."""
    array = noise(5, 7, 3)
    picture = read(b"P6 7 5 65535\n" + array.astype(">u2").tobytes())
    assert (picture.depth, picture.warnings) == (8, ["16-bit samples are coded with 8 bits"])
    picture = read(b"P5 7 5 65535\n" + array[..., 0].astype(">u2").tobytes())
    assert picture.warnings == []
    assert np.array_equal(picture.samples, array[..., 0])


def test_avif_of_10_bits_is_noticed() -> None:
    vips = pytest.importorskip("pyvips")
    ramp = np.repeat(np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64, 1), 3, 2)
    image = vips.Image.new_from_array(ramp).copy(interpretation="rgb16")
    for bits, warnings in ((10, ["10-bit samples are coded with 8 bits"]), (8, [])):
        picture = read(image.heifsave_buffer(compression="av1", bitdepth=bits))
        assert (picture.depth, picture.warnings) == (8, warnings)


@pytest.mark.parametrize("depth", [10, 12, 16])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_written_png(mode: str, depth: int) -> None:
    """Written files are read back, with metadata and depth."""
    shape = (33, 47, 3) if mode.startswith("RGB") else (33, 47)
    samples = widened(noise(33, 47, 3)[..., : 3 if len(shape) == 3 else 1].reshape(shape) >> (16 - depth), depth)
    alpha = None if mode[-1] != "A" else np.arange(33 * 47, dtype=np.uint16).astype(np.uint8).reshape(33, 47)
    exif, xmp = b"II*\0\x08\0\0\0\0\0\0\0\0\0", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    made, notes = write_picture(Picture(samples, alpha, metadata=Metadata(None, exif, xmp), deep_bits=depth), "PNG")
    assert notes == []
    back = read(bytes(made))
    assert (back.depth, back.mode, back.warnings) == (depth, mode, [])
    assert np.array_equal(back.samples, samples)
    assert (back.alpha is None) == (alpha is None)
    assert alpha is None or np.array_equal(back.alpha, alpha)
    assert back.metadata == Metadata(None, exif, xmp)


def test_written_png_uses_filters() -> None:
    down, across = np.mgrid[:200, :300]
    smooth = np.dstack([down * 150 + across * 30, down * 7 + across * 90, down * 60 + across * 60]).astype(np.uint16)
    model = io.BytesIO()
    Image.new("L", (1, 1)).save(model, "PNG")
    data = deep_png(smooth, None, 16, model.getvalue(), 3)
    assert len(data) < smooth.nbytes / 20
    assert np.array_equal(read(data).samples, smooth)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP", "TIFF"])
def test_formats_of_8_bits(kind: str) -> None:
    made, notes = write_picture(Picture(to_16_bits(noise(16, 16, 3))), kind)
    assert notes == [f"16-bit samples are written with 8 bits in {kind}"]
    assert read(bytes(made)).depth == 8


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_deep_grey_files(kind: str) -> None:
    made, notes = write_picture(Picture(noise(16, 16, 1)[..., 0]), kind)
    assert notes == []
    assert np.array_equal(read(bytes(made)).samples, noise(16, 16, 1)[..., 0])


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_damage_is_reported(channels: int) -> None:
    """A changed byte of a PNG file, its checksum made right, gives a picture or an error with a text."""
    data = png(noise(13, 9, channels), interlaced=True)
    for at in range(16, len(data) - 12, 3):
        changed = bytearray(data)
        changed[at] ^= 0x55
        for start, length in ((8, 13), (33, len(data) - 57)):
            end = start + 8 + length
            changed[end : end + 4] = struct.pack(">I", zlib.crc32(changed[start + 4 : end]))
        with contextlib.suppress(ImageError, LimitError):
            assert read_picture(io.BytesIO(bytes(changed)), max_pixels=10000).samples.size
