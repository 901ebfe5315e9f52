import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms
from skimage import data

from aez import codec
from aez.codec.family.colouriser import Colouriser, chroma
from aez.codec.family.restoration.colourise import with_colours
from aez.codec.family.restoration.pixels import to_tensor

pytestmark = pytest.mark.torch

Samples = NDArray[np.uint8]


def chroma_error(true: Samples, guessed: Samples) -> float:
    planes = [chroma(to_tensor(samples))[1] for samples in (true, guessed)]
    return float((planes[0] - planes[1]).square().mean())


def luma(samples: Samples) -> Samples:
    out: Samples = np.asarray(Image.fromarray(samples).convert("L"))
    return out


def test_nearer_to_the_truth_than_grey(photo: Samples) -> None:
    cats: Samples = data.chelsea()  # type: ignore[no-untyped-call]
    for true in (cats, photo):
        grey = luma(true)
        assert chroma_error(true, codec.colourise(grey)) < 0.95 * chroma_error(true, np.dstack([grey] * 3))


def test_luma_stays(photo: Samples) -> None:
    grey = luma(photo[:200, :300]).clip(40, 215)
    made = codec.colourise(grey)
    assert np.abs(luma(made).astype(int) - grey).max() <= 2
    assert np.ptp(made.astype(int), axis=2).mean() > 2


def test_saturation(photo: Samples) -> None:
    grey = luma(photo[:160, :160]).clip(70, 185)
    assert (codec.colourise(grey, saturation=0) == grey[:, :, None]).all()
    once, twice = (chroma(to_tensor(codec.colourise(grey, saturation=s)))[1] for s in (1.0, 2.0))
    assert float((twice - 2 * once).abs().mean()) < 0.004
    with pytest.raises(ValueError, match="saturation"):
        codec.colourise(grey, saturation=5)


def test_colours_lie_where_the_network_puts_them() -> None:
    class Halves(Colouriser):
        def forward(self, luma: torch.Tensor) -> torch.Tensor:
            out = torch.zeros(1, 2, luma.shape[2] // 4, luma.shape[3] // 4)
            out[:, 1] = (luma[:, 0, ::4, ::4] > 0) * 0.2
            return out

    grey = np.full((1000, 700), 100, np.uint8)
    grey[600:, 300:] = 150
    made = with_colours(Halves(), grey).astype(int)
    red = made[:, :, 0] - made[:, :, 1] > 20
    assert red[620:, 320:].all() and not red[:580].any() and not red[:, :280].any()


def test_alpha_and_colour_pictures(photo: Samples) -> None:
    part = photo[:64, :96]
    made = codec.colourise(np.dstack([part, part[:, :, 0]]))
    assert made.shape == (64, 96, 4) and (made[:, :, 3] == part[:, :, 0]).all()
    assert (made[:, :, :3] == codec.colourise(luma(part))).all()


def test_a_profile_for_grey_is_left_out(photo: Samples) -> None:
    image = Image.fromarray(luma(photo[:40, :40]))
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[16:20] = b"GRAY"
    image.info["icc_profile"] = bytes(profile)
    with pytest.warns(UserWarning, match="profile"):
        assert "icc_profile" not in codec.colourise(image).info


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (77, 5)])
def test_any_size(shape: tuple[int, int]) -> None:
    assert codec.colourise(np.full(shape, 90, np.uint8)).shape == (*shape, 3)
