import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.picture.alpha import fill
from aez.codec.picture.alpha.fill import filled

Photo = NDArray[np.uint8]


def test_hidden_colours_are_smooth_and_cheap(codec: Codec, photo: Photo) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (192, 192, 3), dtype=np.uint8)
    noise[:, :64] = photo[100:292, 200:264]
    alpha = np.zeros((192, 192), np.uint8)
    alpha[:, :64] = 255
    result = filled(noise, alpha)
    assert np.array_equal(result[:, :64], noise[:, :64])
    assert np.abs(np.diff(result[:, 64:].astype(int), axis=1)).mean() < 2
    assert np.abs(result[:, 64].astype(int) - result[:, 63]).mean() < 25
    plain, hidden = len(codec.encode(noise, 50)), len(codec.encode(np.dstack([noise, alpha]), 50))
    assert hidden < 0.75 * plain
    assert filled(photo, np.full(photo.shape[:2], 1, np.uint8)) is photo
    assert filled(noise, np.zeros((192, 192), np.uint8)).max() == 0


@pytest.mark.parametrize("block", [64, 128, 1024])
def test_filling_works_in_blocks(photo: Photo, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """The result holds for blocks of any size, and for sizes that are not multiples of anything."""
    monkeypatch.setattr(fill, "_BLOCK", block)
    samples = photo[:131, :203]
    alpha = np.zeros((131, 203), np.uint8)
    alpha[:5, :7] = 255
    result = filled(samples, alpha)
    assert np.array_equal(result[:5, :7], samples[:5, :7])
    # Only one small corner is visible: everything else takes its colours.
    low, high = samples[:5, :7].min((0, 1)).astype(int), samples[:5, :7].max((0, 1)).astype(int)
    assert ((result >= low - 1) & (result <= high + 1)).all()
    grey = filled(samples[..., 0], alpha)
    assert np.array_equal(grey, result[..., 0])
