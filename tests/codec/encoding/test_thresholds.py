"""Tiles code elements of low tables where that is worth it, and only there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import read_container
from aez.bitstream.runs import NOT_CODED
from aez.codec.codec import Codec
from aez.codec.encoding.thresholds import _best
from aez.codec.model.registry import DEFAULT_MODEL
from aez.codec.model.weightfile import Weights
from aez.codec.picture.psnr import psnr_of
from tests.codec.encoding.graphics import CORNERS, beside, checks

Photo = NDArray[np.uint8]
MAGENTA, GREEN = CORNERS[5], CORNERS[2]


@pytest.fixture(scope="module")
def flagship(packaged: Weights) -> Codec:
    return Codec(packaged, "cpu", "float32")


def test_what_the_hyper_latents_missed_is_coded(flagship: Codec) -> None:
    picture = beside(MAGENTA, GREEN)
    data = flagship.encode(picture, 100, effort=0, content="photo")
    _, symbols = flagship.unpack(data)
    first = flagship.weights.first_coded
    low = symbols.indices < first
    assert (symbols.r[low] != 0).sum() > 20
    assert psnr_of(picture, flagship.decode_array(data)) > 36
    # The streams again, whatever the filter's chunk.
    container = read_container(data)
    again = read_container(flagship.pack(*flagship.unpack(data)))
    assert (again.hyper, again.tiles) == (container.hyper, container.tiles)


def test_tiles_decide_for_themselves(flagship: Codec, photo: Photo) -> None:
    """A flat corner of a photograph, and a graphic in another: the graphic codes low tables, the flat one does not."""
    picture = photo[:512, :512].copy()
    picture[:256, :256] = 128
    picture[256:, 256:] = np.tile(checks(MAGENTA, GREEN, 4, 64)[:64, :64], (4, 4, 1))
    data = flagship.encode(picture, 60, effort=0, content="photo", tile_log2=4)
    extra = [tile[0] & 7 for tile in read_container(data).tiles]
    assert len(extra) == 4
    assert extra[3] > 0
    assert extra[0] == 0
    _, symbols = flagship.unpack(data)
    assert (symbols.indices == NOT_CODED).any()


@pytest.mark.slow
def test_bands_agree_on_a_tile(flagship: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tile over several bands has one lowest table, or the decoder would read other symbols."""
    from aez.codec.geometry import windows

    picture = np.tile(checks(MAGENTA, GREEN, 8, 64)[:64, :64], (6, 2, 1))
    picture[:130] = 128
    monkeypatch.setattr(
        "aez.codec.encoding.encoder.bands", lambda rows, cols: windows.bands(rows, cols, height=2, whole=0)
    )
    for log2 in (0, 4, 5):
        for effort in (0, 2):
            data = flagship.encode(picture, 70, effort=effort, content="photo", tile_log2=log2)
            assert psnr_of(picture, flagship.decode_array(data)) > 14
            container = read_container(data)
            again = read_container(flagship.pack(*flagship.unpack(data)))
            assert again.tiles == container.tiles


def test_what_does_harm_is_withdrawn(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the model of what is seen: the latents promise much of low tables; the decoded pictures decide."""
    flagship = Codec(DEFAULT_MODEL, "cpu", "float32")
    picture = beside(MAGENTA, GREEN)
    monkeypatch.setattr("aez.codec.encoding.thresholds._best", lambda worth, first: first - 5)
    monkeypatch.setattr("aez.codec.encoding.candidate.Candidate.cost", lambda self, *_: int((self.indices < 255).sum()))
    data = flagship.encode(picture, 50, effort=0, content="photo")
    assert [tile[0] & 7 for tile in read_container(data).tiles] == [0]
    monkeypatch.setattr("aez.codec.encoding.candidate.Candidate.cost", lambda self, *_: -(self.indices < 255).sum())
    data = flagship.encode(picture, 50, effort=0, content="photo")
    assert [tile[0] & 7 for tile in read_container(data).tiles] != [0]
    # Photographs are not asked.
    data = flagship.encode(photo[:120, :150], 50, effort=0)
    assert [tile[0] & 7 for tile in read_container(data).tiles] == [0]


def test_no_tile_codes_lower_tables_than_its_head_can_say() -> None:
    assert _best(np.full(10, 100.0), 10) == 3
    assert _best(np.array([100.0, -500.0, 30.0]), 3) == 2
    assert _best(np.array([900.0, -500.0, 30.0]), 3) == 0
    assert _best(np.array([-1.0, 5.0]), 2) == 2
    assert _best(np.zeros(0), 0) == 0
