from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from aez.bitstream import ModelError
from aez.codec.family.members import load_family, read_family
from aez.codec.family.style import patches as style_patches
from aez.codec.family.style import stylize as styling
from aez.codec.family.style.loss import content_distance, moment_distance, seam_distance, sliced, style_distance
from aez.codec.family.style.model import Style
from aez.codec.family.style.patches import choose_patches
from aez.codec.family.style.statistics import ChannelMoments, adain, moments
from aez.codec.family.style.stylize import Stylist, stylize, stylize_picture
from aez.codec.picture.picture import Picture
from aez.codec.picture.psnr import psnr_of
from aez.codec.training.family import save_family

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]
SIZES = {"latent": 96, "hyper": 8, "analysis": 16, "analysis_depth": 1, "synthesis16": 16, "synthesis16_depth": 1}
SIZES |= {"synthesis8": 12, "synthesis8_depth": 1, "synthesis4": 8, "synthesis4_depth": 1, "context": 8, "scale": 8}
SIZES |= {"style16": 1, "style8": 1, "style4": 1, "embedding": 8}


@pytest.fixture
def small() -> Style:
    """Return an untrained model, which is a colour DCT and its inverse."""
    torch.manual_seed(0)
    return Style(**SIZES)


@pytest.fixture(scope="module")
def packaged_style() -> Style:
    model = load_family("style")
    assert isinstance(model, Style)
    return model


@pytest.fixture(scope="module")
def painting() -> Photo:
    """Return a picture of bright, curved stripes of two colours."""
    row, col = np.mgrid[:256, :256]
    wave = np.sin((col + 12 * np.sin(row / 17)) / 3)[..., None]
    return np.clip(np.array([200, 90, 40]) + wave * np.array([50, 80, -90]), 0, 255).astype(np.uint8)


def tensor(samples: Photo) -> Tensor:
    return torch.from_numpy(samples.copy()).permute(2, 0, 1)[None].float() / 255 - 0.5


def test_adain_gives_the_wanted_moments() -> None:
    torch.manual_seed(1)
    x, style = torch.randn(2, 3, 8, 8) * 2 + 1, torch.randn(2, 3, 5, 7) * 3 - 4
    made = moments(adain(x, moments(x), moments(style)))
    assert torch.allclose(made.mean, moments(style).mean, atol=1e-4)
    assert torch.allclose(made.std, moments(style).std, rtol=1e-3)
    still = adain(x, moments(x), moments(x))
    assert torch.allclose(still, x, atol=1e-5)
    flat = ChannelMoments(torch.zeros(2, 3), torch.zeros(2, 3))
    assert adain(x * 1e-6, flat, moments(style)).std() < 1, "noise is not blown up"


def test_its_own_style_leaves_a_picture_alone(small: Style, photo: Photo) -> None:
    """Without a difference in statistics, style blocks with any weights add nothing."""
    with torch.no_grad():
        for name, parameter in small.named_parameters():
            if "stacks" in name or name.startswith(("modulate", "skip8", "patch16", "embed")):
                parameter.normal_(std=0.5)
    x = tensor(photo[:64, 100:196])
    with torch.no_grad():
        y, h = small.encode(x)
        own = small.statistics(y, h, small.encode(torch.nn.functional.avg_pool2d(x, 2))[1])
        assert all((m == 0).all() for m in small.modulation(own, own))
        plain = small.synthesis(y, torch.zeros(1))
        assert torch.allclose(small.decode(y, h, own, own, None), plain, atol=1e-4)
        other = own.towards(small.statistics(y * 2, h * 2, h * 3), 1.0)
        assert not torch.allclose(small.decode(y, h, own, other, None), plain, atol=1e-2)


def test_distances() -> None:
    torch.manual_seed(2)
    a = torch.randn(2, 4, 12, 12)
    turned = a.flatten(2)[:, :, torch.randperm(144)].reshape(a.shape)
    assert sliced(a, turned, 16) < 1e-10, "places do not matter to style"
    assert moment_distance(a, turned) < 1e-10
    bimodal = torch.sign(a)
    bimodal = (bimodal - moments(bimodal).mean[..., None, None]) / moments(bimodal).std[..., None, None]
    like = adain(bimodal, moments(bimodal), moments(a))
    assert moment_distance(like, a) < 1e-3 < sliced(like, a, 16), "moments do not see all"
    assert sliced(a, a[:, :, :6], 8) < 0.2, "sizes may differ"
    level, other = (a, a), (turned, turned)
    assert content_distance(level, level) == 0 < content_distance(level, other)
    assert content_distance((a * 3 + 1, a * 2 - 5), level) < 1e-3, "levels and contrast are not content"


def test_seams_are_seen() -> None:
    torch.manual_seed(4)
    smooth = torch.randn(2, 3, 64, 64) * 0.1
    blocks = torch.randn(2, 3, 4, 4).repeat_interleave(16, 2).repeat_interleave(16, 3)
    assert seam_distance(smooth, 16) < 0.1 < 2 < seam_distance(smooth + blocks, 16)
    assert seam_distance((smooth + blocks).roll((5, 5), (2, 3)), 16) < 0.1, "elsewhere the same steps are edges"


def test_patches_are_near_and_cohere(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    style = torch.randn(5, 9, 10)
    part = style[:, 2:8, 3:9]
    row, col = np.mgrid[2:8, 3:9]
    assert choose_patches(part, style).tolist() == (row * 10 + col).tolist()
    # With noise, nearest neighbours are scattered; coherence makes them adjacent again.
    noisy = part + 0.9 * torch.randn_like(part)

    def together(chosen: Tensor) -> int:
        return int((chosen[:, 1:] == chosen[:, :-1] + 1).sum() + (chosen[1:] == chosen[:-1] + 10).sum())

    assert together(choose_patches(noisy, style)) > 5 * together(choose_patches(noisy, style, rounds=0))
    even = choose_patches(noisy, style, rounds=0)
    monkeypatch.setattr(style_patches, "EVEN", 1e9)
    nearest = choose_patches(noisy, style, rounds=0)
    assert len(even.unique()) > len(nearest.unique()), "more of the style is used"
    flat = style.flatten(1)
    distances = (noisy.flatten(1)[:, :, None] - flat[:, None]).square().sum(0)
    assert torch.equal(nearest.flatten(), distances.argmin(1))


def test_training_lowers_the_loss_and_leaves_the_encoder(small: Style, photo: Photo, painting: Photo) -> None:
    x = torch.cat([tensor(photo[:96, 150:246]), tensor(painting[:96, :96])])
    encoder = {name: value.clone() for name, value in small.analysis.state_dict().items()}
    optimiser = torch.optim.Adam(small.parameters(), lr=1e-3)
    losses = []
    for _ in range(6):
        torch.manual_seed(0)
        parts = small.train().loss(x)
        optimiser.zero_grad()
        parts["loss"].backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(parts["loss"].detach()))
    assert set(parts) == {"loss", "style", "content", "colour", "seams", "identity"}
    assert losses[-1] < 0.95 * losses[0]
    assert all(torch.equal(value, encoder[name]) for name, value in small.analysis.state_dict().items())


def test_strength_zero_is_the_content(packaged_style: Style, photo: Photo, painting: Photo) -> None:
    picture = photo[40:143, 150:271]
    assert np.array_equal(np.asarray(stylize(picture, painting, 0)), picture)
    # The network itself nearly reproduces a picture in its own style.
    stylist = Stylist(packaged_style, torch.device("cpu"))
    crop = photo[:256, 128:384]
    y, h = packaged_style.encode(tensor(crop))
    own, _ = stylist.look(crop)
    plain = packaged_style.decode(y, h, own, own, None)[0].permute(1, 2, 0)
    levels = (plain.clamp(-0.5, 0.5) * 255 + 127.5).round().byte().numpy()
    assert psnr_of(crop, levels) > 35


def test_strength_goes_from_content_to_style(packaged_style: Style, photo: Photo, painting: Photo) -> None:
    content = photo[:256, 128:384]
    levels = {"content": packaged_style.pyramid(tensor(content)), "style": packaged_style.pyramid(tensor(painting))}
    from_style, from_content = [], []
    for strength in (0, 0.5, 1):
        made = packaged_style.pyramid(tensor(np.asarray(stylize(content, painting, strength))))
        torch.manual_seed(0)
        from_style.append(float(style_distance(made, levels["style"], packaged_style.channel_spread)))
        from_content.append(float(content_distance(made[1], levels["content"][1])))
    assert from_style[0] > from_style[1] > from_style[2]
    assert from_style[2] < 0.85 * from_style[0]
    assert from_content[0] < from_content[1] < from_content[2]
    # The content is preserved: the result is nearer to it than another picture is.
    other = packaged_style.pyramid(tensor(photo[256:512, :256]))
    assert from_content[2] < 0.8 * float(content_distance(other[1], levels["content"][1]))


def test_windows_show_no_seams(small: Style, photo: Photo, painting: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    stylist = Stylist(small.eval(), torch.device("cpu"))
    content = photo[:230, :300]
    source = stylist.source(painting)
    whole = stylist.paint(content, source, 0.7)
    monkeypatch.setattr(styling, "_WINDOW", 1)
    pieces = stylist.paint(content, stylist.source(painting), 0.7)
    assert whole.shape == content.shape
    assert np.abs(whole.astype(int) - pieces).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (64, 64), (70, 33)])
def test_sizes_of_both(packaged_style: Style, photo: Photo, painting: Photo, shape: tuple[int, int]) -> None:
    part = photo[: shape[0], : shape[1]]
    assert stylize(part, painting).size == shape[::-1]
    assert stylize(photo[:40, :50], part).size == (50, 40)


def test_kinds_of_pictures(packaged_style: Style, photo: Photo, painting: Photo) -> None:
    samples = photo[:64, :80]
    made = stylize_picture(Picture(samples, alpha=samples[..., 0].copy(), orientation=6), Picture(painting))
    assert made.samples.shape == (80, 64, 3) and made.alpha is not None and made.orientation == 1
    grey = stylize(samples[..., 0].copy(), painting)
    assert grey.mode == "RGB" and np.ptp(np.asarray(grey).astype(int), axis=2).max() > 30, "the style has colours"
    assert stylize(Image.fromarray(samples).convert("RGBA"), painting).mode == "RGBA"


def test_misuse(photo: Photo, painting: Photo, tmp_path: Path) -> None:
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="strength"):
            stylize(photo[:32, :32], painting, strength)
    with pytest.raises(ValueError, match="style_side"):
        stylize(photo[:32, :32], painting, style_side=10)
    with pytest.raises(ModelError, match="no such model"):
        stylize(photo[:32, :32], painting, model="none")


def test_weights_of_ones_own(small: Style, photo: Photo, painting: Photo, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_family(path, small, {})
    made = np.asarray(stylize(photo[:64, :64], painting, model=str(path)))
    again = read_family(path)
    assert isinstance(again, Style)
    stylist = Stylist(again, torch.device("cpu"))
    assert np.array_equal(made, stylist.paint(photo[:64, :64], stylist.source(painting), 1.0))
