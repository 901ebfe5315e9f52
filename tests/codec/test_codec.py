import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import (
    Container,
    FormatError,
    Header,
    ImageError,
    LimitError,
    Limits,
    ModelError,
    read_container,
    write_container,
)
from aez.codec import api
from aez.codec.codec import Codec
from aez.codec.encoding.encoder import encode
from aez.codec.options import EncodeOptions


@pytest.fixture(scope="module")
def codec(each_codec: Codec) -> Codec:
    return each_codec


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(a.astype(float) - b).mean())))


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (1, 70), (70, 1), (15, 17), (16, 16), (64, 64), (65, 63), (130, 200), (2, 300), (300, 1)],
)
def test_every_size_comes_back(codec: Codec, photo: NDArray[np.uint8], height: int, width: int) -> None:
    picture = photo[100 : 100 + height, 150 : 150 + width]
    data = codec.encode(picture, 60)
    back = codec.decode_array(data)
    assert back.shape == (height, width, 3)
    assert back.dtype == np.uint8
    header = read_container(data).header
    assert (header.height, header.width, header.fingerprint) == (height, width, codec.weights.fingerprint)
    assert psnr(back, picture) > 17
    assert codec.decode(data).size == (width, height)


def test_decoding_gives_what_the_encoder_chose(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = photo[50:150, 60:190]
    position = codec.quality_scale.position_of(70)
    chosen = encode(codec.setting(position, EncodeOptions.effort), picture).symbols
    header, symbols = codec.unpack(codec.encode(picture, 70))
    assert header.quality == position
    for name in ("z", "indices", "r"):
        assert np.array_equal(getattr(symbols, name), getattr(chosen, name))
    assert np.abs(symbols.r).max() > 3


def test_quality_is_continuous(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = photo[:96, 180:276]
    qualities = [1, 12.5, 33.3, 50, 66.61, 87.5, 100]
    sizes = [len(codec.encode(picture, q)) for q in qualities]
    assert sizes == sorted(set(sizes))
    positions = [codec.quality_scale.position_of(q) for q in qualities]
    assert positions == sorted(set(positions))
    assert (positions[0], positions[-1]) == (0, 3 * 256)
    for quality, position in zip(qualities, positions, strict=True):
        assert abs(codec.quality_scale.quality_of(position) - quality) < 99 / (3 * 256)
        assert codec.quality_scale.position_of(codec.quality_scale.quality_of(position)) == position


@pytest.mark.parametrize("quality", [0, 0.99, 100.01, 200, -5, float("nan"), float("inf")])
def test_quality_out_of_range(codec: Codec, quality: float) -> None:
    with pytest.raises(ValueError, match="quality"):
        codec.encode(np.zeros((8, 8, 3), np.uint8), quality)


def test_the_default_quality_is_70(codec: Codec, photo: NDArray[np.uint8]) -> None:
    assert codec.encode(photo[:32, :32]) == codec.encode(photo[:32, :32], 70)


def test_bytes_are_the_same_every_time(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = photo[:100, 200:290]
    assert codec.encode(picture, 40) == codec.encode(picture.copy(), 40) == codec.encode(Image.fromarray(picture), 40)


def test_read_only_arrays_are_fine(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = photo[:20, :20].copy()
    picture.flags.writeable = False
    always = sys.modules["torch"].set_warn_always if codec.runtime == "torch" else lambda _: None
    always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert codec.encode(picture) == codec.encode(picture.copy())
    finally:
        always(False)


def test_tiles_change_nothing(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = photo[:300, :280]
    whole, tiled = codec.encode(picture, 55, tile_log2=0), codec.encode(picture, 55, tile_log2=4)
    assert [len(read_container(data).tiles) for data in (whole, tiled)] == [1, 4]
    assert codec.digest(whole) == codec.digest(tiled)
    assert np.array_equal(codec.decode_array(whole), codec.decode_array(tiled))


def test_large_pictures_are_tiled(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aez.codec.encoding.encoder.UNTILED_LATENTS", 4)
    for cols, tile_log2 in ((32, 0), (33, 6)):
        data = codec.encode(np.zeros((32, cols, 3), np.uint8), content="photo")
        assert read_container(data).header.tile_log2 == tile_log2


def test_many_threads_decode_as_one(codec: Codec, photo: NDArray[np.uint8]) -> None:
    files = [codec.encode(photo[i : i + 70, i : i + 90], 10 + 10 * (i % 9)) for i in range(0, 320, 20)]
    serial = [codec.decode_array(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(codec.decode_array, files))
        again = list(pool.map(lambda i: codec.encode(photo[i : i + 70, i : i + 90], 50), range(0, 320, 20)))
    for a, b in zip(serial, parallel, strict=True):
        assert np.array_equal(a, b)
    assert again == [codec.encode(photo[i : i + 70, i : i + 90], 50) for i in range(0, 320, 20)]


def test_progress_is_told(codec: Codec, photo: NDArray[np.uint8]) -> None:
    shares: list[float] = []
    data = codec.encode(photo[:20, :20], progress=shares.append)
    codec.decode_array(data, progress=shares.append)
    assert shares == [1.0, 1.0]


def container(codec: Codec, **fields: Any) -> bytes:
    """A file of one element whose header is replaced, its streams left as they are."""
    parts = read_container(codec.encode(np.zeros((8, 8, 3), np.uint8)))
    header = replace(Header(width=8, height=8, fingerprint=codec.weights.fingerprint, quality=0), **fields)
    alpha = b"alpha" if header.alpha else None
    return write_container(Container(header, parts.hyper, parts.tiles, alpha=alpha))


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"fingerprint": b"123456"}, ModelError),
        ({"layout": 1}, FormatError),
        ({"depth": 10}, FormatError),
        ({"alpha": True}, FormatError),
        ({"quality": 769}, FormatError),
        ({"width": 60000, "height": 60000}, LimitError),
    ],
)
def test_files_that_cannot_be_decoded(codec: Codec, fields: dict[str, Any], error: type[Exception]) -> None:
    data = container(codec, **fields)
    for call in (codec.decode, codec.decode_array, codec.digest):
        with pytest.raises(error):
            call(data)


def test_limits_reach_the_decoder(codec: Codec, goldens: dict[str, bytes]) -> None:
    calls: list[Callable[..., Any]] = [codec.decode, codec.decode_array, codec.digest]
    for call in calls:
        call(goldens["low"], limits=Limits(max_pixels=15000))
        with pytest.raises(LimitError):
            call(goldens["low"], limits=Limits(max_pixels=14999))


def test_sides_beyond_the_format_are_refused(codec: Codec) -> None:
    with pytest.raises(ImageError, match="65536"):
        codec.encode(np.zeros((1, 65536, 3), np.uint8))


def test_streams_of_other_symbols_are_refused(codec: Codec, photo: NDArray[np.uint8]) -> None:
    """Checksums hold, yet the streams belong to a picture of another size."""
    parts = read_container(codec.encode(photo[:100, :100], 90))
    header = Header(width=40, height=40, fingerprint=codec.weights.fingerprint, quality=parts.header.quality)
    with pytest.raises(FormatError):
        codec.decode(write_container(Container(header, parts.hyper, parts.tiles)))


def test_arguments_of_the_constructor(codec: Codec) -> None:
    with pytest.raises(ValueError, match="precision"):
        Codec(codec.weights, "cpu", "float16")
    with pytest.raises(ModelError):
        Codec("no such model")


def test_short_way(tiny_path: Any, codec: Codec, photo: NDArray[np.uint8], goldens: dict[str, bytes]) -> None:
    model = str(tiny_path)
    data = api.encode(photo[:40, :50], 30, model=model, device="cpu")
    assert api.info(data)["fingerprint"] == codec.weights.fingerprint.hex()
    array = api.decode_array(data, model=model, device="cpu")
    assert np.array_equal(np.asarray(api.decode(data, model=model, device="cpu")), array)
    assert array.shape == (40, 50, 3)
    assert api.load(model, "cpu") is api.load(model, "cpu")
    with pytest.raises(ModelError, match="not in this package"):
        api.decode(data)
    with pytest.raises(LimitError):
        api.decode(goldens["low"], limits=Limits(max_pixels=1))
    with pytest.raises(LimitError):
        api.info(goldens["low"], limits=Limits(max_pixels=1))


def test_packaged_models_find_their_files(photo: NDArray[np.uint8]) -> None:
    data = api.encode(photo[:20, :33], 30, device="cpu")
    assert api.info(data)["model"] == "photo-1"
    assert api.info(data)["quality"] == pytest.approx(30, abs=0.05)
    assert api.decode(data, device="cpu").size == (33, 20)
