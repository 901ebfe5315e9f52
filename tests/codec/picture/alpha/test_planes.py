import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import Container, FormatError, TruncatedError, read_container, write_container
from aez.bitstream.alpha import AlphaTile, read_alpha, write_alpha
from aez.bitstream.vp8l import vp8l_size
from aez.codec.codec import Codec
from aez.codec.picture.alpha import planes as alpha_module
from aez.codec.picture.alpha.planes import decode_alpha, encode_alpha, with_fewer_levels
from aez.codec.picture.images import from_image
from aez.codec.picture.inputs import from_array

Plane = NDArray[np.uint8]


@pytest.fixture
def matte(photo: Plane) -> Plane:
    """Return a plane of 70×150 with opaque, transparent and intermediate values."""
    return np.clip(photo[100:170, 150:300, 0].astype(int) * 2 - 150, 0, 255).astype(np.uint8)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alpha_module, "TILE_LOG2", 6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 150), (70, 1), (64, 64), (70, 150)])
def test_without_loss(matte: Plane, small_tiles: None, shape: tuple[int, int]) -> None:
    plane = matte[: shape[0], : shape[1]]
    assert np.array_equal(decode_alpha(encode_alpha(plane), *shape), plane)


@pytest.mark.parametrize("level", [0, 1, 254, 255])
def test_constant_planes_take_three_bytes(level: int) -> None:
    payload = encode_alpha(np.full((500, 700), level, np.uint8))
    assert payload == bytes([10, 0, level])
    assert (decode_alpha(payload, 500, 700) == level).all()


def test_parts_are_cut_out(matte: Plane, small_tiles: None, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = encode_alpha(matte)
    calls: list[bytes] = []
    original = alpha_module.from_vp8l
    monkeypatch.setattr(alpha_module, "from_vp8l", lambda *a: calls.append(a[0]) or original(*a))  # type: ignore[func-returns-value]
    assert np.array_equal(decode_alpha(payload, 70, 150, (3, 60), (70, 100)), matte[3:60, 70:100])
    assert len(calls) == 1
    assert np.array_equal(decode_alpha(payload, 70, 150, (60, 70), (0, 150)), matte[60:])


@pytest.mark.parametrize("quality", [1, 30, 70, 99.9])
def test_loss_is_bounded_and_keeps_the_ends(quality: float) -> None:
    levels = with_fewer_levels(np.arange(256, dtype=np.uint8)[None], quality)[0].astype(int)
    assert (levels[0], levels[255]) == (0, 255)
    assert (np.diff(levels) >= 0).all()
    count = len(set(levels))
    assert np.abs(levels - np.arange(256)).max() <= np.ceil(255 / (count - 1) / 2)
    assert count == round(2 ** (1 + 7 * (quality - 1) / 99))


def test_loss_makes_files_smaller(matte: Plane) -> None:
    sizes = [len(encode_alpha(matte, quality)) for quality in (1, 30, 70, 100)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_pictures_with_alpha_come_back(codec: Codec, photo: Plane, matte: Plane, mode: str) -> None:
    array = np.dstack([photo[100:170, 150:300], matte])
    array = array[..., 2:] if mode == "LA" else array
    data = codec.encode(array, 90)
    assert read_container(data).header.alpha
    back = codec.decode_array(data)
    assert back.shape == array.shape
    assert np.array_equal(back[..., -1], matte)
    seen = matte > 0
    error = np.abs(back.astype(int) - array)[seen][:, :-1].mean()
    assert error < 12
    image = codec.decode(data)
    assert (image.mode, image.size) == (mode, (150, 70))
    lossy = codec.decode_array(codec.encode(array, 90, alpha_quality=20))[..., -1].astype(int)
    assert 0 < np.abs(lossy - matte).max() < 64


def test_alpha_quality_is_checked(codec: Codec, photo: Plane) -> None:
    for quality in (0, 101, float("nan")):
        with pytest.raises(ValueError, match="alpha"):
            codec.encode(photo[:8, :8], alpha_quality=quality)


def payloads(matte: Plane) -> dict[str, bytes]:
    """Build damaged payloads of a 70×150 plane."""
    stream = encode_alpha(matte)[3:]
    assert vp8l_size(stream) == (150, 70)
    good = AlphaTile((0, 70), (0, 150), stream=stream)
    payload = write_alpha([good], 8)
    other = AlphaTile((0, 70), (0, 150), stream=encode_alpha(matte[:, :149])[3:])
    cut = AlphaTile((0, 70), (0, 150), stream=stream[: len(stream) // 2])
    noise = AlphaTile((0, 70), (0, 150), stream=stream[:5] + b"\xff" * 40)
    huge = AlphaTile((0, 70), (0, 150), stream=b"\x2f\xff\xff\xff\x0f" + stream[5:])
    version = AlphaTile((0, 70), (0, 150), stream=stream[:4] + bytes([stream[4] | 0x20]) + stream[5:])
    return {
        "empty": b"",
        "no tiles": b"\x08",
        "tile too small": b"\x05" + payload[1:],
        "tile too large": b"\x0e" + payload[1:],
        "more tiles than bytes": b"\x06" + payload[1:3],
        "left over": payload + b"\0",
        "cut": payload[:-1],
        "another size": write_alpha([other], 8),
        "half a stream": write_alpha([cut], 8),
        "noise": write_alpha([noise], 8),
        "another, huge size": write_alpha([huge], 8),
        "another version": write_alpha([version], 8),
        "no stream": write_alpha([AlphaTile((0, 70), (0, 150), stream=b"RIFFxxxxWEBP")], 8),
        "good": payload,
    }


def test_damaged_payloads_are_refused(codec: Codec, photo: Plane, matte: Plane) -> None:
    parts = read_container(codec.encode(np.dstack([photo[100:170, 150:300], matte]), 20))
    for name, payload in payloads(matte).items():
        data = write_container(Container(parts.header, parts.hyper, parts.tiles, alpha=payload))
        if name == "good":
            assert np.array_equal(codec.decode_array(data)[..., 3], matte)
        else:
            with pytest.raises(FormatError):
                codec.decode_array(data)


def test_tiny_payloads_cannot_ask_for_many_tiles() -> None:
    with pytest.raises(TruncatedError):
        read_alpha(b"\x06" + b"\0" * 50, 65535, 65535)
    with pytest.raises(ValueError, match="tile"):
        write_alpha([], 5)


def test_images_with_alpha(codec: Codec, photo: Plane, matte: Plane) -> None:
    image = Image.fromarray(np.dstack([photo[100:170, 150:300], matte]))
    assert codec.encode(image, 30) == codec.encode(from_array(np.asarray(image)), 30)


def test_pillows_limit_of_pixels_is_for_other_pictures(matte: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """MAX_IMAGE_PIXELS is for files that Pillow opens; this package has its own limits."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert np.array_equal(decode_alpha(encode_alpha(matte), *matte.shape), matte)
    assert np.array_equal(from_image(Image.fromarray(matte)).samples, matte)
