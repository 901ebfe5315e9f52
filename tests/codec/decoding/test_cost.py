"""Memory of decoding: bounded before it is taken, and estimated from above."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import Container, FormatError, Header, LimitError, Limits, write_container
from aez.bitstream.alpha import AlphaTile, tile_areas, write_alpha
from aez.bitstream.entropy import encode_residual
from aez.bitstream.factorised import decode_factorised
from aez.bitstream.runs import NOT_CODED, PIECE, coding_order, coding_pieces
from aez.bitstream.tables import TableSet
from aez.codec import Codec, api
from aez.codec.alpha_picture import decode_alpha_part
from aez.codec.base import PictureCodec
from aez.codec.decoding.cost import PIECE_BYTES
from aez.codec.decoding.decoder import View
from aez.codec.encoding.target import Target
from aez.codec.geometry.grid import Grid
from aez.codec.geometry.windows import Window

SYMBOLS, SIDES = 64, (256, 512)
AREAS = tile_areas(4096, 8192, 12)
TABLES = TableSet(np.array([1, 2**24 - 3, 1, 1] * 2, np.int32), np.array([4, 4], np.int32), escape=True)
"""Tables of −1, 0, 1 and an escape, in which 0 takes almost no bits."""
_PEAK = r"""
import re, sys
from aez.codec import api
def peak(): return 1024 * int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
codec = api.load("photo", "cpu", runtime="light")
codec.networks.prepare(encoding=False)
data = open(sys.argv[1], "rb").read()
before = peak()
codec.decode_array(data)
print(peak() - before)
"""


def peak_of(function: object) -> int:
    tracemalloc.start()
    try:
        function()  # type: ignore[operator]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def code() -> NDArray[np.int16]:
    """A code of 8 million symbols, almost all of them 0, some escaped."""
    rng = np.random.default_rng(0)
    r = np.zeros((SYMBOLS, *SIDES), np.int16)
    r.flat[rng.integers(r.size, size=500)] = rng.integers(-9, 10, 500)
    return r


def test_pieces_are_the_coding_order() -> None:
    indices = np.random.default_rng(1).integers(0, 4, PIECE + 1000).astype(np.uint8)
    indices[indices == 3] = NOT_CODED
    order, counts = coding_order(indices)
    pieces = list(coding_pieces(indices))
    assert len(pieces) > 1
    assert np.array_equal(np.concatenate([places for places, _ in pieces]), order)
    assert np.array_equal(sum(lengths for _, lengths in pieces), counts)


def test_a_code_is_decoded_in_pieces_and_a_region_of_it_costs_little(code: NDArray[np.int16]) -> None:
    index = np.arange(SYMBOLS).astype(np.uint8) % 2
    data = encode_residual(code, np.broadcast_to(index[:, None, None], code.shape).copy(), TABLES, 0)
    assert len(data) < 5000
    assert np.array_equal(decode_factorised(data, index, SIDES, TABLES), code)
    area = slice(100, 130), slice(200, 500)
    assert np.array_equal(decode_factorised(data, index, SIDES, TABLES, area), code[:, area[0], area[1]])
    piece = PIECE_BYTES * max(SIDES[0] * SIDES[1], min(PIECE, SIDES[0] * SIDES[1]))
    assert peak_of(lambda: decode_factorised(data, index, SIDES, TABLES)) < 2 * code.size + piece
    assert peak_of(lambda: decode_factorised(data, index, SIDES, TABLES, area)) < 2 * SYMBOLS * 30 * 300 + piece


def bomb(codec: PictureCodec, width: int, height: int, layout: int, hyper: bytes) -> bytes:
    """A small file that promises a large picture."""
    header = Header(width=width, height=height, fingerprint=codec.fingerprint, quality=0, layout=layout)
    return write_container(Container(header, hyper, [bytes(9)]))


@pytest.mark.parametrize(("model", "layout"), [("photo", 0), ("sparse", 1)])
def test_a_stream_too_short_for_its_picture_is_refused_before_memory_is_taken(model: str, layout: int) -> None:
    codec = api.load(model, "cpu", runtime="light")
    data = bomb(codec, 4096, 4096, layout, b"" if layout else bytes(2000))
    with pytest.raises(FormatError):  # what is kept of the model is read now
        codec.digest(bomb(codec, 16, 16, layout, b""))

    def decode() -> None:
        with pytest.raises(FormatError, match="too short"):
            codec.digest(data, limits=Limits(max_pixels_per_byte=2**20))

    assert peak_of(decode) < 10**6


@pytest.mark.parametrize(("model", "layout"), [("photo", 0), ("sparse", 1)])
def test_memory_is_limited_before_it_is_taken(model: str, layout: int) -> None:
    codec = api.load(model, "cpu", runtime="light")
    limits = Limits(max_pixels_per_byte=2**40)
    data = bomb(codec, 16384, 16384, layout, b"")

    def decode() -> None:
        for function in (codec.decode, codec.digest):
            with pytest.raises(LimitError, match="memory"):
                function(data, limits=limits)

    assert peak_of(decode) < 10**6


def test_limits_hold_for_what_is_decoded(codec: Codec, photo: NDArray[np.uint8]) -> None:
    data = codec.encode(photo[:300, :400], 60, tile_log2=4)
    grid = Grid(300, 400)
    header = Header(width=400, height=300, fingerprint=codec.fingerprint, quality=0, tile_log2=4)
    whole = codec._cost(header, View.whole(grid))
    assert codec.decode_array(data, limits=Limits(max_memory=whole.memory)).shape == (300, 400, 3)
    with pytest.raises(LimitError, match="memory"):
        codec.decode(data, limits=Limits(max_memory=whole.memory - 1))
    few = Limits(max_memory=whole.memory - 1, max_symbols=whole.symbols - 1)
    assert codec.decode_array(data, region=(0, 0, 20, 20), limits=few).shape == (20, 20, 3)
    for function in (codec.decode, codec.digest):
        with pytest.raises(LimitError, match="symbols"):
            function(data, limits=Limits(max_symbols=whole.symbols - 1))


def test_tiles_of_alpha_count_if_they_are_decoded(codec: Codec) -> None:
    """A tile's header may state a large picture, of which libwebp takes memory for all."""
    side = 4096
    stated = (side - 1) | (side - 1) << 14
    stream = b"\x2f" + stated.to_bytes(4, "little") + bytes(20)
    tiles = [AlphaTile(*area, stream=stream if number == 0 else None) for number, area in enumerate(AREAS)]
    payload = write_alpha(tiles, 12)
    header = Header(width=2 * side, height=side, fingerprint=codec.fingerprint, quality=0, alpha=True)
    limits = Limits(max_memory=10**8)

    def part(left: int) -> NDArray[np.uint8]:
        view = View(Grid.of(header), Window(0, 10, left, left + 10))
        return decode_alpha_part(codec, payload, header, view, limits)

    assert part(side).tolist() == [[0] * 10] * 10
    with pytest.raises(LimitError, match="memory"):
        part(side - 1)


def test_an_encoder_sets_itself_no_limits(
    codec: Codec, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It decodes what it wrote, to measure it."""
    monkeypatch.setattr("aez.codec.base.Limits", lambda: Limits(max_memory=1))
    picture = np.dstack([photo[:40, :50], photo[:40, :50, :1]])
    data = codec.encode(picture, target=Target(psnr=25), alpha_quality=30)
    with pytest.raises(LimitError):
        codec.decode_array(data)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_estimate_is_an_upper_bound(tmp_path: Path) -> None:
    """In a process of its own, with the packaged model in the light runtime."""
    codec = api.load("photo", "cpu", runtime="light")
    picture = np.random.default_rng(0).integers(0, 256, (768, 1024, 3), np.uint8)
    path = tmp_path / "a.aez"
    path.write_bytes(codec.encode(picture, 90, effort=0))
    done = subprocess.run([sys.executable, "-c", _PEAK, path], check=True, capture_output=True, text=True)
    header = Header(width=1024, height=768, fingerprint=codec.fingerprint, quality=0)
    estimate = codec._cost(header, View.whole(Grid(768, 1024))).memory
    assert estimate / 3 < int(done.stdout) < estimate


def test_tiles_are_listed_once(codec: Codec, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once for each tile, which would take a time that grows with the square of their number."""
    data = codec.encode(photo[:, :500], 20, tile_log2=4, effort=0)
    calls: list[Header] = []
    original = Header.tiles
    monkeypatch.setattr(Header, "tiles", lambda self: calls.append(self) or original(self))  # type: ignore[func-returns-value]
    codec.digest(data)
    codec.decode_array(data)
    assert len(calls) == 2
