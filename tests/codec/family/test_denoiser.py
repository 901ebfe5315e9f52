import pytest
import torch

from aez.codec.family.denoiser import Denoiser
from aez.codec.family.members import load_family

pytestmark = pytest.mark.torch

SIZES = {"width2": 8, "width4": 12, "width8": 16, "depth2": 1, "depth4": 1, "depth8": 1}


def crops(count: int = 4) -> torch.Tensor:
    """Return smooth pictures, (count, 3, 32, 32)."""
    torch.manual_seed(3)
    coarse = torch.rand(count, 3, 4, 4) - 0.5
    return torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bicubic", align_corners=True).clamp(-0.5, 0.5)


def test_starts_as_the_identity() -> None:
    torch.manual_seed(0)
    model = Denoiser(**SIZES)
    x = crops()
    with torch.no_grad():
        assert float((model(x, torch.full((4,), 25.0)) - x).abs().max()) < 0.05


def test_learns_to_remove_noise() -> None:
    torch.manual_seed(0)
    model = Denoiser(**SIZES)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    x = crops(8)
    for _ in range(150):
        optimiser.zero_grad()
        model.loss(x)["loss"].backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    torch.manual_seed(5)
    noisy = x + torch.randn_like(x) * 25 / 255
    with torch.no_grad():
        error = (model(noisy, torch.full((8,), 25.0)) - x).square().mean()
    assert float(error) < 0.6 * (25 / 255) ** 2


def test_loss_draws_noise_of_many_levels() -> None:
    model, x = Denoiser(**SIZES), crops(1)
    torch.nn.init.zeros_(model.tail.weight)
    torch.manual_seed(1)
    values = [float(model.loss(x)["psnr"]) for _ in range(60)]
    assert min(values) < 16 and max(values) > 30
    torch.manual_seed(1)
    assert float(model.loss(x)["psnr"]) == values[0]


def test_outputs_look_no_further_than_the_halo() -> None:
    torch.manual_seed(0)
    model = Denoiser(**SIZES)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    side = 2 * model.halo + 64
    x = torch.zeros(1, 3, side, side, requires_grad=True)
    middle = slice(model.halo + 24, model.halo + 32)
    model(x, torch.tensor([25.0]))[..., middle, middle].square().sum().backward()
    assert x.grad is not None
    rows = x.grad.abs().amax((0, 1, 3)).nonzero()[:, 0]
    assert int(rows[0]) >= middle.start - model.halo and int(rows[-1]) < middle.stop + model.halo


def test_packaged_weights_are_small_and_whole() -> None:
    model = load_family("denoiser")
    assert isinstance(model, Denoiser)
    assert sum(p.numel() for p in model.parameters()) * 2 < 6e6
    assert len(model.fingerprint) == 6


@pytest.mark.parametrize("sigma", [0.0, 60.0])
def test_packaged_weights_at_the_ends(sigma: float) -> None:
    model = load_family("denoiser")
    x = crops(1)
    with torch.no_grad():
        error = (model(x + torch.randn_like(x) * sigma / 255, torch.tensor([sigma])) - x).square().mean()
    assert float(error) < 0.15 * max(12.0, sigma) ** 2 / 255**2
