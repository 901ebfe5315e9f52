import warnings
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.restoration import denoise_nl_means

from aez import codec
from aez.codec.family.denoiser import Denoiser
from aez.codec.family.restoration.denoise import without_noise

pytestmark = pytest.mark.torch

Samples = NDArray[np.uint8]


@pytest.fixture(scope="module")
def small() -> Denoiser:
    """Return an untrained network that changes pixels considerably."""
    torch.manual_seed(0)
    model = Denoiser(width2=8, width4=8, width8=8, depth2=1, depth4=1, depth8=1).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.12)
    return model.requires_grad_(False)


def test_beats_non_local_means(cat: Samples, noisy: Samples, psnr: Any) -> None:
    theirs = denoise_nl_means(  # type: ignore[no-untyped-call]
        noisy / 255, patch_size=5, patch_distance=6, h=0.6 * 25 / 255, sigma=25 / 255, fast_mode=True, channel_axis=2
    )
    ours = psnr(cat, codec.denoise(noisy, 25))
    assert ours > psnr(cat, (theirs * 255).round().astype(np.uint8)) + 0.5
    assert ours > psnr(cat, noisy) + 8


def test_uses_the_level_of_noise(cat: Samples, psnr: Any, with_noise: Any) -> None:
    for true, wrong in ((10, 40), (40, 10)):
        grainy = with_noise(cat, true)
        assert psnr(cat, codec.denoise(grainy, true)) > psnr(cat, codec.denoise(grainy, wrong)) + 1


def test_estimates_the_level(cat: Samples, noisy: Samples, psnr: Any) -> None:
    assert psnr(cat, codec.denoise(noisy)) > psnr(cat, codec.denoise(noisy, 25)) - 0.3


def test_clean_pictures_stay(cat: Samples, psnr: Any) -> None:
    assert (codec.denoise(cat, 0) == cat).all()
    assert psnr(cat, codec.denoise(cat, 1)) > 42


def test_effort_is_worth_something(cat: Samples, noisy: Samples, psnr: Any) -> None:
    quick, slow = (psnr(cat, codec.denoise(noisy, 25, effort=effort)) for effort in (0, 3))
    assert slow > quick + 0.02


def test_grey(cat: Samples, psnr: Any, with_noise: Any) -> None:
    grey = np.asarray(Image.fromarray(cat).convert("L"))
    clean = codec.denoise(with_noise(grey, 25), 25)
    assert clean.shape == grey.shape
    assert psnr(grey, clean) > psnr(grey, with_noise(grey, 25)) + 7


def test_alpha_is_kept_and_hidden_colours_do_not_bleed(cat: Samples, noisy: Samples, psnr: Any) -> None:
    alpha = np.full(cat.shape[:2], 255, np.uint8)
    alpha[:, 80:] = 0
    blank = noisy.copy()
    blank[:, 80:] = (255, 0, 255)
    plain, bright = (codec.denoise(np.dstack([samples, alpha]), 25) for samples in (noisy, blank))
    assert (plain[:, :, 3] == alpha).all()
    assert (plain[:, :80] == bright[:, :80]).all()
    assert psnr(cat[:, :80], plain[:, :80, :3]) > 28
    assert (codec.denoise(np.dstack([blank, alpha]))[:, :80] != blank[0, 0, 0]).any()


def test_metadata_stays(noisy: Samples) -> None:
    image = Image.fromarray(noisy[:32, :32])
    exif = Image.Exif()
    exif[0x0112] = 6
    image.info["exif"] = exif.tobytes()
    back = codec.denoise(image, 25)
    assert isinstance(back, Image.Image) and back.size == image.size
    assert back.getexif()[0x0112] == 6


def test_windows_leave_no_seams(small: Denoiser, noisy: Samples) -> None:
    samples = np.tile(noisy, (2, 2, 1))[:250, :301]
    whole = without_noise(small, samples, 25.0)
    parts = without_noise(small, samples, 25.0, window=96, whole=0)
    assert np.abs(whole.astype(int) - samples).mean() > 5
    assert np.abs(whole.astype(int) - parts).max() <= 1
    blind = Denoiser(width2=8, width4=8, width8=8, depth2=1, depth4=1, depth8=1)
    blind.load_state_dict(small.state_dict())
    blind.halo = 0
    assert np.abs(without_noise(blind, samples, 25.0, window=96, whole=0).astype(int) - whole).max() > 5


def test_copies_are_turned_back(small: Denoiser) -> None:
    for parameter in (still := Denoiser(**small.sizes)).tail.parameters():
        torch.nn.init.zeros_(parameter)
    samples = np.random.default_rng(0).integers(0, 256, (40, 56, 3)).astype(np.uint8)
    assert (without_noise(still.eval(), samples, 25.0, 8) == samples).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9, 3), (7, 2, 3), (8, 8), (17, 33, 3)])
def test_any_size(small: Denoiser, shape: tuple[int, ...]) -> None:
    assert without_noise(small, np.full(shape, 100, np.uint8), 20.0).shape == shape


@pytest.mark.parametrize(
    "wrong", [{"sigma": -1}, {"sigma": 61}, {"sigma": float("nan")}, {"effort": 4}, {"effort": -1}]
)
def test_wrong_arguments(noisy: Samples, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be from 0 to"):
        codec.denoise(noisy, **wrong)  # type: ignore[arg-type]


def test_says_what_is_lost() -> None:
    deep = np.full((16, 16), 30000, np.uint16)
    with pytest.warns(UserWarning, match="8 bits"):
        codec.denoise(deep, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codec.denoise(np.full((16, 16), 9, np.uint8), 10)
