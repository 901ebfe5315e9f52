import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec import heatmap as drawing
from aez.codec.codec import Codec
from aez.codec.heatmap import colours, heatmap
from aez.codec.model.weightfile import Weights
from aez.codec.picture.picture import Picture

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def real(packaged: Weights) -> Codec:
    """The tiny model of the other tests has hardly learnt that flat is cheap."""
    return Codec(packaged, "cpu", "float32")


def half_busy(height: int = 256, width: int = 256) -> Photo:
    """Noise on the left, nothing on the right."""
    samples = np.full((height, width, 3), 128, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (height, width // 2, 3))
    samples[:, : width // 2] = noise
    return samples


def brightness(image: Photo) -> float:
    return float(image.astype(float).sum(-1).mean())


def test_busy_regions_are_bright(real: Codec) -> None:
    data = real.encode(half_busy(), 60)
    drawn = np.asarray(heatmap(real, data, alone=True))
    # Enlarged twice, 256 being small.
    left, right = drawn[:512, :240], drawn[:512, 272:512]
    assert brightness(left) > 4 * brightness(right)
    assert np.array_equal(drawn[:32, :32], np.broadcast_to(drawn[0, 0], (32, 32, 3))), "a block has one colour"


def test_the_picture_shows_through_unless_it_shall_not(codec: Codec, photo: Photo) -> None:
    data = codec.encode(photo[:400, :400], 60)
    alone, over = (np.asarray(heatmap(codec, data, alone=flag))[:400] for flag in (True, False))
    inside = alone[:16, :16]
    assert (inside == inside[0, 0]).all()
    luma = photo[:400, :400].mean(-1).ravel()
    assert np.corrcoef(over.mean(-1).ravel() - 0.65 * alone.mean(-1).ravel(), luma)[0, 1] > 0.9


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_maps_are_turned_like_the_picture(real: Codec, orientation: int) -> None:
    data = real.encode(Picture(half_busy(384, 448), orientation=orientation), 60)
    drawn = np.asarray(heatmap(real, data, alone=True))
    height, width = (384, 448) if orientation == 1 else (448, 384)
    assert drawn.shape[1] == width and drawn.shape[0] > height
    seen = drawn[:height]
    if orientation == 1:
        busy, calm = seen[:, :200], seen[:, 248:]
    else:
        parts = seen[:200], seen[248:]
        busy, calm = parts if orientation == 6 else parts[::-1]
    assert brightness(busy) > 4 * brightness(calm)


def test_large_pictures_are_reduced(codec: Codec, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "LONGEST", 150)
    monkeypatch.setattr(drawing, "SHORTEST", 1)
    drawn = heatmap(codec, codec.encode(photo[:301, :512], 50))
    assert drawn.width == 128 or drawn.width > 128 > 0
    assert np.asarray(drawn)[:76].shape[0] == 76


@pytest.mark.parametrize("shape", [(1, 1), (17, 5)])
def test_small_pictures(codec: Codec, photo: Photo, shape: tuple[int, int]) -> None:
    drawn = heatmap(codec, codec.encode(photo[: shape[0], : shape[1]], 50))
    assert max(drawn.size) >= 384


def test_colours_grow_lighter() -> None:
    ramp = colours(np.linspace(0, 1, 50)).astype(float) @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(ramp) > 0).all()
