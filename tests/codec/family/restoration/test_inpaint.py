from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.restoration import inpaint_biharmonic

from aez import codec
from aez.bitstream.errors import ImageError
from aez.codec.family.restoration import inpaint as module
from aez.codec.family.restoration.inpaint import windows
from aez.codec.family.restoration.pixels import to_tensor
from aez.codec.family.restoration.prior import load_prior
from aez.codec.model.filter_weights import FilterWeights
from aez.codec.model.registry import PSNR_MODEL, find_model
from aez.codec.model.weightfile import read_weights
from aez.codec.runtime.torch.picture_filter import filtered

pytestmark = pytest.mark.torch

Samples = NDArray[np.uint8]


@pytest.fixture(scope="module")
def scratches(cat: Samples) -> NDArray[np.bool_]:
    """Return a mask of lines, 3 pixels wide, across the photograph."""
    rows, cols = np.indices(cat.shape[:2])
    return ((rows + cols) % 37 < 3) | ((2 * rows - cols) % 53 < 4)


def test_fills_scratches_better_than_smoothness_alone(cat: Samples, scratches: Any, psnr: Any) -> None:
    damaged = np.where(scratches[:, :, None], np.uint8(255), cat)
    theirs = (inpaint_biharmonic(damaged / 255, scratches, channel_axis=2) * 255).round().astype(np.uint8)
    smooth, made = (codec.inpaint(damaged, scratches, steps=steps) for steps in (0, 40))
    assert (made[~scratches] == cat[~scratches]).all()
    assert psnr(theirs[scratches], smooth[scratches]) > 40
    assert psnr(cat[scratches], made[scratches]) > psnr(cat[scratches], theirs[scratches]) + 0.3


def test_same_twice(cat: Samples, scratches: Any) -> None:
    first, second = (codec.inpaint(cat, scratches, steps=3) for _ in range(2))
    assert (first == second).all()


def test_what_was_in_the_hole_does_not_matter(cat: Samples, scratches: Any) -> None:
    other = cat.copy()
    other[scratches] = np.random.default_rng(0).integers(0, 256, (int(scratches.sum()), 3))
    assert (codec.inpaint(cat, scratches, steps=3) == codec.inpaint(other, scratches, steps=3)).all()


def test_grey_alpha_and_pillow(cat: Samples, scratches: Any, psnr: Any) -> None:
    grey = np.asarray(Image.fromarray(cat).convert("L"))
    made = codec.inpaint(np.dstack([grey, grey]), scratches, steps=5)
    assert (made[:, :, 1] == grey).all() and (made[~scratches][:, 0] == grey[~scratches]).all()
    assert psnr(grey[scratches], made[scratches][:, 0]) > 20
    mask = Image.fromarray((scratches * 255).astype(np.uint8))
    picture = codec.inpaint(Image.fromarray(cat), mask, steps=5)
    assert (np.asarray(picture) == codec.inpaint(cat, scratches, steps=5)).all()


def test_windows_hold_every_missing_pixel_once() -> None:
    missing = np.random.default_rng(0).random((1100, 700)) < 0.001
    missing[:512, 512:] = False
    counted = np.zeros(missing.shape, int)
    for window in windows(missing):
        assert max(window.shape) <= module.WINDOW
        counted[window.top : window.bottom, window.left : window.right] += 1
    assert (counted[missing] == 1).all() and (counted[:512, 512:] == 0).all()


def test_large_holes_are_filled_window_by_window(cat: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW", 48)
    hole = np.zeros(cat.shape[:2], bool)
    hole[30:100, 20:140] = True
    damaged = np.where(hole[:, :, None], np.uint8(0), cat)
    made = codec.inpaint(damaged, hole, steps=3)
    assert (made[~hole] == cat[~hole]).all()
    assert made[hole].min(1).mean() > 40


@pytest.mark.parametrize("shape", [(9, 11), (1, 2), (70, 3)])
def test_small_pictures(cat: Samples, shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, bool)
    mask[0, 0] = True
    made = codec.inpaint(cat[: shape[0], : shape[1]], mask, steps=2)
    assert made.shape == (*shape, 3)


def test_errors(cat: Samples) -> None:
    with pytest.raises(ImageError, match="mask is of 10×20 pixels, the picture of 160×128"):
        codec.inpaint(cat, np.ones((20, 10), bool))
    with pytest.raises(ImageError, match="covers the whole picture"):
        codec.inpaint(cat, np.ones((128, 160), bool))
    with pytest.raises(ImageError, match="one plane"):
        codec.inpaint(cat, np.ones((128, 160, 3), bool))
    with pytest.raises(ValueError, match="negative"):
        codec.inpaint(cat, np.eye(128, 160, dtype=bool), steps=-1)
    with pytest.warns(UserWarning, match="empty"):
        assert (codec.inpaint(cat, np.zeros((128, 160), bool)) == cat).all()


def test_bits_are_those_of_the_file(cat: Samples) -> None:
    samples = cat[:128, :128]
    prior = load_prior(90.0)
    y, z = prior.latents(to_tensor(samples))
    size = 8 * len(codec.encode(samples, 90, effort=1, model=PSNR_MODEL))  # the tables are those of chosen symbols
    assert float(prior.bits(y, z)) == pytest.approx(size, rel=0.05)


def test_pictures_of_the_prior_are_filtered_as_files_are(cat: Samples) -> None:
    prior, weights = load_prior(60.0), read_weights(find_model(PSNR_MODEL).path)
    y, _ = prior.latents(to_tensor(cat[:128, :128]))
    levels, mine = (
        (x[0].permute(1, 2, 0) + 0.5) * 255 for x in (prior.model.synthesise(y, prior.position), prior.picture(y))
    )
    own = torch.from_numpy(FilterWeights(weights, round(float(prior.position) * 256), 3).parse(b""))
    assert (mine - levels).abs().max() > 2
    assert torch.allclose(mine.clamp(0, 255), filtered(levels.contiguous(), own), atol=1e-2)


def test_the_prior_is_what_helps(cat: Samples, scratches: Any, psnr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_prior = codec.inpaint(cat, scratches, steps=40)[scratches]
    monkeypatch.setattr(module, "STRENGTH", 0.0)
    without = codec.inpaint(cat, scratches, steps=40)[scratches]
    assert psnr(cat[scratches], with_prior) > psnr(cat[scratches], without) + 0.3
