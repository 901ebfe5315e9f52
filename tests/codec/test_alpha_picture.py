import zlib
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from aez.bitstream import ChunkType, Container, FormatError, LimitError, Limits, read_container, write_container
from aez.bitstream.alpha import write_alpha_picture
from aez.codec import alpha_picture
from aez.codec.alpha_picture import EDGE, _gathered, _spread, encode_lossy_alpha
from aez.codec.codec import Codec
from aez.codec.encoding.target import Target
from aez.codec.model.weightfile import Weights
from aez.codec.picture.alpha.planes import encode_alpha, with_fewer_levels
from aez.codec.picture.psnr import psnr_of

Plane = NDArray[np.uint8]


@pytest.fixture(scope="module")
def hard() -> Plane:
    """A disc, 320 columns, 192 rows."""
    row, col = np.mgrid[:192, :320]
    return np.where((row - 90) ** 2 + (col - 150) ** 2 < 60**2, 255, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def soft(hard: Plane) -> Plane:
    """The disc as the noisy matte that a camera or a segmentation gives, blurred; its far parts are clean."""
    blurred = np.asarray(Image.fromarray(hard).filter(ImageFilter.GaussianBlur(12))).astype(float)
    noise = np.random.default_rng(0).normal(0, 1.5, hard.shape) * ((blurred > 8) & (blurred < 247))
    return (blurred + noise).round().clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def real(packaged: Weights) -> Codec:
    return Codec(packaged, "cpu", "float32")


def with_alpha(plane: Plane) -> Plane:
    samples = np.full((*plane.shape, 3), 90, np.uint8)
    return np.dstack([samples, plane])


def payload_of(data: bytes) -> bytes:
    payload = read_container(data).alpha
    assert payload is not None
    return payload


def coded_as_picture(codec: Codec, plane: Plane, tile_log2: int = 0) -> bytes:
    """A file whose alpha is a picture, whatever would be smaller."""
    parts = read_container(codec.encode(with_alpha(plane), 50, tile_log2=tile_log2, content="photo"))
    inner = codec.encode(_spread(plane), 90, tile_log2=tile_log2, content="photo")
    return write_container(replace(parts, alpha=write_alpha_picture(inner, EDGE)))


def test_soft_mattes_are_coded_as_pictures(real: Codec, soft: Plane) -> None:
    lossless, levels = (len(encode_alpha(plane)) for plane in (soft, with_fewer_levels(soft, 50)))
    payload = encode_lossy_alpha(real, soft, 50, 3)
    assert payload[:2] == bytes([0, EDGE])
    assert len(payload) < min(lossless, levels) / 2
    parts = read_container(real.encode(with_alpha(soft), 10, effort=0))
    back = real.decode_array(write_container(replace(parts, alpha=payload)))[..., 3]
    # As near as 22 levels, evenly used, would be; and what is wholly clear stays clear.
    assert psnr_of(soft, back) >= 10 * np.log10(12 * 21**2)
    clear = np.ones_like(soft, bool)
    clear[:, 40:260] = False
    assert not soft[clear].any()
    assert back[clear].max() <= 2 and (back[clear] > 0).mean() < 0.001


@pytest.mark.parametrize("quality", [1, 50, 75, 99.5])
def test_sharp_mattes_are_never_larger_than_without_loss(codec: Codec, hard: Plane, quality: float) -> None:
    payload = encode_lossy_alpha(codec, hard, quality, 0)
    assert payload == encode_alpha(hard)


@pytest.mark.parametrize("quality", [1, 30, 70, 99.5])
def test_loss_never_makes_larger(codec: Codec, soft: Plane, quality: float) -> None:
    smooth = np.tile(np.linspace(0, 255, 320).astype(np.uint8), (192, 1))
    for plane in (soft, smooth, smooth.T.copy()):
        assert len(encode_lossy_alpha(codec, plane, quality, 0)) <= len(encode_alpha(plane))


def test_without_loss_stays_without(codec: Codec, soft: Plane) -> None:
    assert np.array_equal(codec.decode_array(codec.encode(with_alpha(soft), 20))[..., 3], soft)


def test_a_picture_that_is_too_far_off_is_not_taken(real: Codec, soft: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alpha_picture, "_missing", lambda *_: 1.0)
    payload = encode_lossy_alpha(real, soft, 50, 0)
    assert payload == min(encode_alpha(soft), encode_alpha(with_fewer_levels(soft, 50)), key=len)


def test_what_is_off_at_the_ends_is_missed() -> None:
    plane = np.zeros((100, 100), np.uint8)
    soiled = plane.copy()
    soiled[50, 50] = 20
    assert alpha_picture._missing(plane, plane, 75) <= 0
    assert psnr_of(plane, soiled) > 60
    assert alpha_picture._missing(plane, soiled, 75) > 0
    assert alpha_picture._missing(plane + 100, soiled + 100, 75) <= 0


@pytest.mark.parametrize("edge", [0, 1, 3, 63])
def test_gathering_follows_the_specification(edge: int) -> None:
    values = np.arange(256, dtype=np.uint8)[None]
    span = 255 - 2 * edge
    want = [(255 * (min(max(v, edge), 255 - edge) - edge) + span // 2) // span for v in range(256)]
    got = _gathered(values, edge)[0].tolist()
    assert got == want
    assert set(got[: edge + 1]) == {0} and set(got[255 - edge :]) == {255}
    back = _gathered(_spread(values), EDGE)[0].astype(int)
    assert np.abs(back - np.arange(256)).max() <= 1
    assert (back[0], back[255]) == (0, 255)


@pytest.mark.parametrize("tile_log2", [0, 4])
def test_regions_and_scales(codec: Codec, soft: Plane, tile_log2: int) -> None:
    data = coded_as_picture(codec, soft, tile_log2)
    whole = codec.decode_array(data)
    for x, y, width, height in ((0, 0, 320, 192), (100, 40, 170, 33), (319, 191, 1, 1)):
        part = codec.decode_array(data, region=(x, y, width, height))
        assert part.shape == (height, width, 4)
        assert np.abs(part.astype(int) - whole[y : y + height, x : x + width]).max() <= 2
    for scale in (1 / 2, 1 / 16):
        small = codec.decode_array(data, scale=scale)[..., 3].astype(int)
        side = round(1 / scale)
        means = whole[..., 3].reshape(192 // side, side, 320 // side, side).mean((1, 3))
        assert small.shape == means.shape
        assert np.abs(small - means).max() <= 2 * EDGE


@pytest.mark.torch
def test_regions_as_tensors(codec: Codec, soft: Plane) -> None:
    data = coded_as_picture(codec, soft, 4)
    whole = codec.decode_array(data)
    tensor = codec.decode_tensor(data, region=(100, 40, 60, 33)).numpy()[3]
    assert np.abs(tensor.astype(int) - whole[40:73, 100:160, 3]).max() <= 2


def test_only_the_tiles_of_a_region_are_read(codec: Codec, soft: Plane) -> None:
    """Damage in a far tile of the alpha picture is not seen."""
    parts = read_container(coded_as_picture(codec, soft, 4))
    assert parts.alpha is not None
    inner = bytearray(parts.alpha)
    inner[-8] ^= 1  # in the last tile
    data = write_container(replace(parts, alpha=bytes(inner)))
    assert codec.decode_array(data, region=(0, 0, 20, 20)).shape == (20, 20, 4)
    with pytest.raises(FormatError):
        codec.decode_array(data)


def test_alpha_is_coded_once_for_a_target(codec: Codec, soft: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = encode_lossy_alpha
    monkeypatch.setattr("aez.codec.base.encode_lossy_alpha", lambda *a: calls.append(1) or original(*a))  # type: ignore[func-returns-value]
    array = np.dstack([soft, soft])
    low, high = (len(codec.encode(array, quality, effort=0, alpha_quality=60)) for quality in (5, 95))
    calls.clear()
    codec.encode(array, target=Target(size=(low + high) // 2), effort=0, alpha_quality=60)
    assert len(calls) == 1


def damaged(codec: Codec, soft: Plane) -> dict[str, bytes]:
    """Payloads that a decoder must refuse; ``good`` is the one that they are made of."""
    inner = codec.encode(_spread(soft), 60, content="photo")
    parts = read_container(inner)

    def like(container: Container) -> bytes:
        return write_alpha_picture(write_container(container), EDGE)

    other = replace(parts, header=replace(parts.header, fingerprint=b"\1" * 6))
    turned = replace(parts, header=replace(parts.header, orientation=6))
    deep = replace(parts, header=replace(parts.header, depth=10))
    nested = replace(parts, header=replace(parts.header, alpha=True), alpha=write_alpha_picture(inner, EDGE))
    layout = replace(parts, header=replace(parts.header, layout=1))
    beyond = replace(parts, header=replace(parts.header, quality=0xFFFF))
    rgb = np.dstack([soft] * 3)
    end = len(inner) - 2
    unknown = inner[:end] + b"q\x01a" + zlib.crc32(b"q\x01a").to_bytes(4, "little") + inner[end:]
    return {
        "good": write_alpha_picture(inner, EDGE),
        "kind only": b"\0",
        "no picture": bytes([0, EDGE]),
        "edge": bytes([0, 64]) + inner,
        "not a file": bytes([0, EDGE]) + b"\x2f" * 200,
        "cut": write_alpha_picture(inner[:-3], EDGE),
        "left over": write_alpha_picture(inner + b"\0", EDGE),
        "flipped": write_alpha_picture(inner[:-20] + bytes([inner[-20] ^ 1]) + inner[-19:], EDGE),
        "another size": write_alpha_picture(codec.encode(soft[:-1], 60), EDGE),
        "colours": write_alpha_picture(codec.encode(rgb, 60), EDGE),
        "another model": like(other),
        "turned": like(turned),
        "deep": like(deep),
        "nested": like(nested),
        "another layout": like(layout),
        "beyond the model's quality": like(beyond),
        "metadata": like(replace(parts, metadata={ChunkType.EXIF: b"II*\0"})),
        "preview": like(replace(parts, metadata={ChunkType.PREVIEW: inner})),
        "unknown chunk": write_alpha_picture(unknown, EDGE),
    }


def test_damaged_pictures_are_refused(codec: Codec, soft: Plane) -> None:
    parts = read_container(codec.encode(with_alpha(soft), 20, content="photo"))
    for name, payload in damaged(codec, soft).items():
        data = write_container(replace(parts, alpha=payload))
        if name == "good":
            assert codec.decode_array(data).shape == (192, 320, 4)
        else:
            try:
                codec.decode_array(data)
            except FormatError:
                continue
            pytest.fail(f"{name} is not refused")
    with pytest.raises(ValueError, match="edge"):
        write_alpha_picture(b"", 64)


def test_huge_pictures_inside_are_refused_before_they_are_decoded(codec: Codec, soft: Plane) -> None:
    inner = read_container(codec.encode(soft, 20, content="photo"))
    huge = replace(inner, header=replace(inner.header, width=65535, height=65535))
    parts = read_container(codec.encode(with_alpha(soft), 20, content="photo"))
    data = write_container(replace(parts, alpha=write_alpha_picture(write_container(huge), EDGE)))
    with pytest.raises(FormatError, match="another size"):
        codec.decode_array(data)


def test_limits_that_the_picture_keeps_hold_for_its_alpha(codec: Codec, soft: Plane) -> None:
    data = coded_as_picture(codec, soft)
    assert codec.decode_array(data, limits=Limits(max_pixels=320 * 192)).shape == (192, 320, 4)
    with pytest.raises(LimitError):
        codec.decode_array(data, limits=Limits(max_pixels=320 * 192 - 1))
