import mmap
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import ChecksumError, Header, ImageError, read_container
from aez.codec.codec import Codec
from aez.codec.decoding.regions import reduction_of, stored_window
from aez.codec.model.weightfile import Weights
from aez.codec.picture.picture import Picture
from aez.codec.symbols.streams import StreamReader

Photo = NDArray[np.uint8]
REGIONS = [(0, 0, 300, 512), (0, 0, 1, 1), (299, 511, 1, 1), (120, 200, 50, 70), (64, 0, 64, 64), (17, 300, 250, 33)]


@pytest.fixture(scope="module")
def codec(each_codec: Codec) -> Codec:
    return each_codec


@pytest.fixture(scope="module")
def picture(photo: Photo) -> Photo:
    """300 columns, 512 rows, with alpha."""
    return np.dstack([photo[:, 100:400], photo[:, 50:350, 1]])


@pytest.fixture(scope="module")
def tiled(codec: Codec, picture: Photo) -> bytes:
    return codec.encode(picture, 70, tile_log2=4)


def near(a: Photo, b: Photo) -> bool:
    return a.shape == b.shape and bool(np.abs(a.astype(int) - b).max() <= 1)


@pytest.mark.parametrize("region", REGIONS)
def test_regions_are_cut_out_of_the_whole(codec: Codec, tiled: bytes, region: tuple[int, int, int, int]) -> None:
    x, y, width, height = region
    whole = codec.decode_array(tiled)
    part = codec.decode_array(tiled, region=region)
    assert part.shape == (height, width, 4)
    assert near(part, whole[y : y + height, x : x + width])
    assert np.array_equal(part[..., 3], whole[y : y + height, x : x + width, 3])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("colours", [1, 3])
def test_regions_are_of_the_picture_as_it_is_seen(codec: Codec, picture: Photo, orientation: int, colours: int) -> None:
    samples = picture[:130, :200, :3] if colours == 3 else picture[:130, :200, 0]
    data = codec.encode(Picture(samples, orientation=orientation), 60)
    whole = codec.decode(data)
    part = codec.decode(data, region=(20, 30, 100, 70))
    assert part.size == (100, 70)
    assert near(np.asarray(part), np.asarray(whole.crop((20, 30, 120, 100))))


@pytest.mark.parametrize("scale", [1 / 2, 0.25, Fraction(1, 8), 1 / 16])
@pytest.mark.parametrize("shape", [(512, 300), (1, 1), (70, 33)])
def test_scales_are_averages(codec: Codec, picture: Photo, scale: float | Fraction, shape: tuple[int, int]) -> None:
    data = codec.encode(picture[: shape[0], : shape[1]], 70, tile_log2=4)
    reduction = round(1 / scale)
    whole, small = codec.decode_array(data), codec.decode_array(data, scale=scale)
    rows, cols = shape[0] // reduction, shape[1] // reduction
    assert small.shape == (-(-shape[0] // reduction), -(-shape[1] // reduction), 4)
    full = whole[: rows * reduction, : cols * reduction].reshape(rows, reduction, cols, reduction, 4).mean((1, 3))
    if full.size:
        # The average of samples before they are clipped and rounded.
        assert np.abs(small[:rows, :cols] - full).mean() < 0.6


@pytest.mark.parametrize(
    ("scale", "mean", "largest"), [(1 / 2, 0.3, 1.0), (1 / 4, 0.3, 1.0), (1 / 8, 0.6, 9), (1 / 16, 0.6, 9)]
)
def test_scales_are_averages_of_the_filtered_picture(
    packaged: Weights, picture: Photo, scale: float, mean: float, largest: float
) -> None:
    codec, reduction = Codec(packaged, "cpu", "float32"), round(1 / scale)
    data = codec.encode(picture[:256, :256, :3], 90)
    whole, small = codec.decode_array(data), codec.decode_array(data, scale=scale)
    full = whole.reshape(256 // reduction, reduction, 256 // reduction, reduction, 3).mean((1, 3))
    missing = np.abs(small - full)
    assert missing.mean() < mean and missing.max() <= largest
    assert np.abs((small - full).mean((0, 1))).max() < 0.15  # no colour of all of it changes


def test_small_pictures_have_the_colour_of_their_own_quality(packaged: Weights, picture: Photo) -> None:
    codec = Codec(packaged, "cpu", "float32")
    for quality in (5, 95, 5):
        data = codec.encode(picture[:128, :128, :3], quality, effort=0)
        alone = Codec(packaged, "cpu", "float32").decode_array(data, scale=1 / 8)
        assert np.array_equal(codec.decode_array(data, scale=1 / 8), alone)


@pytest.mark.parametrize("region", REGIONS)
def test_regions_of_scales(codec: Codec, tiled: bytes, region: tuple[int, int, int, int]) -> None:
    x, y, width, height = region
    whole = codec.decode_array(tiled, scale=1 / 8)
    part = codec.decode_array(tiled, scale=1 / 8, region=region)
    assert near(part, whole[y // 8 : -(-(y + height) // 8), x // 8 : -(-(x + width) // 8)])


def test_only_the_tiles_in_reach_are_read(
    codec: Codec, tiled: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Damage elsewhere is not even noticed; in the tiles that matter it is."""
    container = read_container(tiled)
    assert len(container.tiles) == 4
    damaged = bytearray(tiled)
    damaged[-10] ^= 1  # in the last tile, the lower right
    with pytest.raises(ChecksumError):
        codec.decode_array(bytes(damaged))
    with pytest.raises(ChecksumError):
        codec.decode_array(bytes(damaged), region=(280, 500, 5, 5))
    calls: list[int] = []
    original = StreamReader.tile
    monkeypatch.setattr(StreamReader, "tile", lambda self, n: calls.append(n) or original(self, n))  # type: ignore[func-returns-value]
    part = codec.decode_array(bytes(damaged), region=(10, 10, 60, 60))
    assert calls == [0]
    (tmp_path / "a.aez").write_bytes(damaged)
    with (tmp_path / "a.aez").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert np.array_equal(codec.decode_array(mapped, region=(10, 10, 60, 60)), part)


def test_work_is_proportional_to_the_region(codec: Codec, tiled: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    positions: list[int] = []
    original = codec.networks.synthesise

    def synthesise(y: Any, *rest: Any) -> Any:
        positions.append(y.shape[-2] * y.shape[-1])
        return original(y, *rest)

    monkeypatch.setattr(codec.networks, "synthesise", synthesise)
    codec.decode_array(tiled, region=(100, 100, 16, 16))
    assert 0 < sum(positions) <= (2 + 2 * codec.weights.config.synthesis_halo) ** 2


@pytest.mark.parametrize(
    "region", [(0, 0, 301, 1), (0, 0, 1, 513), (-1, 0, 5, 5), (0, -1, 5, 5), (5, 5, 0, 5), (5, 5, 5, 0), (300, 0, 1, 1)]
)
def test_regions_outside_are_refused(codec: Codec, tiled: bytes, region: tuple[int, int, int, int]) -> None:
    with pytest.raises(ImageError, match="not within the picture of 300×512"):
        codec.decode(tiled, region=region)


@pytest.mark.parametrize("scale", [2, 0, 0.3, 1 / 32, Fraction(1, 3), float("nan")])
def test_other_scales_are_refused(codec: Codec, tiled: bytes, scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        codec.decode(tiled, scale=scale)


@pytest.mark.parametrize("region", [(7,), (1, 2, 3), (0, 0, 5, 5, 5)])
def test_regions_are_four_numbers(codec: Codec, tiled: bytes, region: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"column, row, width and height, not \("):
        codec.decode(tiled, region=region)  # type: ignore[arg-type]


def test_scales() -> None:
    assert [reduction_of(s) for s in (1, 0.5, Fraction(1, 4), 0.125, 1 / 16)] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_windows_of_seen_regions(orientation: int) -> None:
    from aez.codec.picture.turning import upright

    header = Header(width=7, height=5, fingerprint=b"abcdef", quality=0, orientation=orientation)
    stored = np.arange(35, dtype=np.uint8).reshape(5, 7)
    seen = upright(Picture(stored, orientation=orientation)).samples
    for x, y, width, height in ((0, 0, 2, 3), (1, 2, 3, 2), (4, 3, 1, 2)):
        window = stored_window((x, y, width, height), header, seen=True)
        part = upright(Picture(stored[window.pixel_index].copy(), orientation=orientation)).samples
        assert np.array_equal(part, seen[y : y + height, x : x + width])


def test_alpha_is_reduced(codec: Codec, picture: Photo) -> None:
    small = codec.decode(codec.encode(picture[:64, :64], 50), scale=1 / 4)
    expected = Image.fromarray(picture[:64, :64, 3]).reduce(4)
    assert np.abs(np.asarray(small)[..., 3].astype(int) - np.asarray(expected)).max() <= 1
