"""Pictures of 10, 12 and 16 bits per sample, from input to output."""

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import ImageError, read_header
from aez.bitstream.header import DEPTHS
from aez.codec import Target, api
from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights
from aez.codec.picture.depth import levels_of, narrowed, to_8_bits
from aez.codec.picture.psnr import psnr_of

Deep = NDArray[np.uint16]


def sky(height: int, width: int, *, grey: bool = False) -> Deep:
    """Draw a smooth gradient, which has about five samples of 8 bits for 16 rows."""
    down, across = np.mgrid[:height, :width]
    planes = (9000 + 60 * down + 15 * across, 21000 + 80 * down + 3 * across, 42000 + 70 * down + 9 * across)
    return (planes[1] if grey else np.stack(planes, 2)).astype(np.uint16)


@pytest.fixture(scope="module")
def photo_codec(packaged: Weights) -> Codec:
    """A real model, which decodes a gradient smoothly."""
    return Codec(packaged, "cpu", "float32", "light")


@pytest.mark.parametrize("grey", [False, True])
def test_a_sky_has_no_bands(photo_codec: Codec, grey: bool) -> None:
    """There are thousands of levels, no row repeats a level for long, and no step is as large as that of 8 bits."""
    original = sky(203, 317, grey=grey)
    data = photo_codec.encode(original, 90)
    decoded = photo_codec.decode_array(data)
    assert (decoded.dtype, decoded.shape) == (np.uint16, original.shape)
    for plane in np.atleast_3d(decoded).transpose(2, 0, 1):
        assert len(np.unique(plane)) > 5000
        steps = np.diff(plane.astype(int), axis=0)
        assert (steps == 0).mean() < 0.05
        assert np.percentile(np.abs(steps), 99) < 257
    rounded = to_8_bits(decoded).astype(np.uint16) * 257
    assert psnr_of(original, decoded) > psnr_of(original, rounded) + 1
    assert photo_codec.encode(to_8_bits(original), 90) != data


@pytest.mark.parametrize("depth", DEPTHS)
def test_depths(each_codec: Codec, depth: int) -> None:
    """All depths decode to the same levels, rounded."""
    original = sky(77, 101)
    data = each_codec.encode(original, 90, depth=depth, content="photo")
    assert read_header(data).depth == depth
    decoded = each_codec.decode_array(data)
    assert decoded.dtype == (np.uint8 if depth == 8 else np.uint16)
    assert decoded.max() < 1 << depth
    finest = levels_of(each_codec.decode_array(each_codec.encode(original, 90)))
    assert np.abs(decoded / ((1 << depth) - 1) * 255 - finest).max() <= 255 / ((1 << depth) - 1) / 2 + 0.01


def test_the_depth_is_that_of_the_input(codec: Codec, photo: NDArray[np.uint8]) -> None:
    assert read_header(codec.encode(photo[:32, :32], 50)).depth == 8
    assert read_header(codec.encode(sky(32, 32), 50)).depth == 16
    assert codec.encode(photo[:32, :32], 50, depth=8) == codec.encode(photo[:32, :32], 50)
    data = codec.encode(photo[:32, :32], 90, depth=12)
    assert codec.encode(codec.decode_picture(data), 50) == codec.encode(codec.decode_picture(data), 50, depth=12)
    with pytest.raises(ValueError, match="depth must be 8, 10, 12, 16 or None, not 9"):
        codec.encode(photo, 50, depth=9)


@pytest.mark.parametrize("effort", [0, 2, 4])
def test_8_bits_in_a_deep_picture_are_coded_alike(codec: Codec, photo: NDArray[np.uint8], effort: int) -> None:
    """Networks see the same levels, so nearly all symbols are the same."""
    small = photo[:90, 100:203]
    flat, deep = codec.encode(small, 60, effort=effort), codec.encode(small * np.uint16(257), 60, effort=effort)
    assert abs(len(flat) - len(deep)) <= 0.01 * len(flat) + 2
    difference = np.abs(to_8_bits(codec.decode_array(deep)).astype(int) - codec.decode_array(flat))
    assert (difference <= 1).mean() > 0.99


@pytest.mark.parametrize("grey", [False, True])
def test_parts(each_codec: Codec, grey: bool) -> None:
    """A region of a tiled file is cut out of the whole picture; scales are averages."""
    data = each_codec.encode(sky(301, 275, grey=grey), 90, tile_log2=4)
    whole = each_codec.decode_array(data).astype(int)
    part = each_codec.decode_array(data, region=(130, 141, 101, 77))
    assert part.dtype == np.uint16
    assert np.abs(part.astype(int) - whole[141:218, 130:231]).max() <= 40
    for reduction in (2, 8):
        small = each_codec.decode_array(data, scale=Fraction(1, reduction))
        shape = -(-301 // reduction), -(-275 // reduction)
        assert (small.dtype, small.shape[:2]) == (np.uint16, shape)
        inner = whole[: 275 // reduction * reduction, : 256 // reduction * reduction]
        rows, cols = (side // reduction for side in inner.shape[:2])
        averages = inner.reshape(rows, reduction, cols, reduction, -1).mean((1, 3)).squeeze()
        assert np.abs(small[:rows, :cols] - averages).mean() < (2 if reduction == 2 else 600)


def test_grey_that_is_stored_as_rgb(codec: Codec) -> None:
    grey = sky(40, 50, grey=True)
    data = codec.encode(np.dstack([grey] * 3), 80)
    assert read_header(data).colour == "grey RGB"
    assert np.array_equal(codec.decode_array(data), np.dstack([codec.decode_array(codec.encode(grey, 80))] * 3))


def test_previews(codec: Codec) -> None:
    data = codec.encode(sky(301, 275, grey=True), 90, preview=True)
    assert codec.preview(data).mode == "I;16"
    assert len(np.unique(np.asarray(codec.preview(data)))) > 1000
    colour = codec.encode(sky(301, 275), 90, preview=True)
    assert codec.preview(colour).mode == "RGB"


@pytest.mark.parametrize("depth", [10, 12, 16])
def test_alpha_has_8_bits(each_codec: Codec, depth: int) -> None:
    """Arrays hold it at the depth of the picture."""
    alpha = np.tile(np.arange(75, dtype=np.uint16) * 257, (50, 1))
    array = np.dstack([sky(50, 75), alpha])
    decoded = each_codec.decode_array(each_codec.encode(array, 80, depth=depth))
    assert decoded.shape == array.shape
    assert np.array_equal(decoded[..., 3], narrowed(alpha, depth))


def test_images(codec: Codec) -> None:
    """Pillow holds deep grey; the rest is rounded."""
    grey = codec.encode(sky(40, 50, grey=True), 80, depth=10)
    image = codec.decode(grey)
    assert (image.mode, image.size) == ("I;16", (50, 40))
    assert np.array_equal(narrowed(np.asarray(image), 10), codec.decode_array(grey))
    again = codec.encode(image, 80)
    assert read_header(again).depth == 16
    colour = codec.encode(sky(40, 50), 80)
    assert np.array_equal(np.asarray(codec.decode(colour)), to_8_bits(codec.decode_array(colour)))


@pytest.mark.slow
def test_targets(photo_codec: Codec) -> None:
    """The PSNR is that of 16 bits."""
    original = sky(90, 110)
    for target in (46.0, 53.0):
        data = photo_codec.encode(original, target=Target(psnr=target))
        assert target <= psnr_of(original, photo_codec.decode_array(data)) < target + 1
    assert len(photo_codec.encode(original, target=Target(size=300))) <= 300
    assert photo_codec.encode(original, target=Target(score=60.0))


@pytest.mark.torch
@pytest.mark.parametrize("depth", DEPTHS)
def test_tensors(each_codec: Codec, depth: int) -> None:
    import torch

    array = np.dstack([sky(50, 75), np.full((50, 75), 65535, np.uint16)])
    data = each_codec.encode(array, 80, depth=depth)
    tensor = each_codec.decode_tensor(data)
    assert tensor.dtype == (torch.uint8 if depth == 8 else torch.uint16)
    assert np.array_equal(tensor.permute(1, 2, 0).numpy(), each_codec.decode_array(data))


@pytest.mark.torch
@pytest.mark.parametrize("effort", [8, 9])
def test_efforts_along_the_gradient(codec: Codec, effort: int) -> None:
    original = sky(50, 75)
    fast, slow = (codec.encode(original, 80, effort=e) for e in (0, effort))
    assert psnr_of(original, codec.decode_array(slow)) > psnr_of(original, codec.decode_array(fast)) - 1


def test_latents(codec: Codec) -> None:
    original = sky(50, 75, grey=True)
    latents = codec.latents(original, 80)
    assert latents.depth == 16
    assert np.array_equal(np.asarray(codec.from_latents(latents)), codec.decode_array(codec.encode(original, 80)))


def test_the_family() -> None:
    """Members of layout 1 take deep pictures, too."""
    original = sky(77, 101)
    data = api.encode(original, 90, model="sparse", device="cpu")
    decoded = api.decode_array(data, device="cpu")
    assert (decoded.dtype, read_header(data).depth) == (np.uint16, 16)
    assert len(np.unique(decoded)) > 2000
    assert psnr_of(original, decoded) > 35


def frames() -> io.BytesIO:
    colours = [Image.new("RGB", (24, 16), colour) for colour in ("red", "lime", "blue")]
    buffer = io.BytesIO()
    colours[0].save(buffer, "GIF", save_all=True, append_images=colours[1:])
    return buffer


@pytest.mark.parametrize(("frame", "channel"), [(None, 0), (1, 0), (2, 1), (3, 2)])
def test_frames(codec: Codec, tmp_path: Path, frame: int | None, channel: int) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(frames().getvalue())
    note = "only the first frame" if frame is None else f"only frame {frame} of 3 is kept"
    with pytest.warns(UserWarning, match=note):
        data = codec.encode(path, 90, frame=frame)
    assert codec.decode_array(data)[8, 12].argmax() == channel
    with pytest.raises(ImageError, match="there is no frame 4: the file has only 3"):
        codec.encode(path, 90, frame=4)
    with pytest.raises(ValueError, match="numbered from 1, not 0"):
        codec.encode(path, 90, frame=0)
    with pytest.raises(TypeError, match="path"):
        codec.encode(Image.open(path), 90, frame=2)
