import pytest
import torch

from aez.codec.family.colouriser import Colouriser, chroma, to_rgb
from aez.codec.family.members import load_family

pytestmark = pytest.mark.torch

SIZES = {"width8": 8, "width16": 8, "width32": 8, "depth8": 1, "depth16": 1, "depth32": 1}


def test_chroma_and_back() -> None:
    x = torch.rand(2, 3, 8, 8) - 0.5
    luma, colour = chroma(x)
    assert torch.allclose(to_rgb(luma, colour), x, atol=1e-6)
    grey = torch.full((1, 3, 2, 2), 0.25)
    assert torch.allclose(chroma(grey)[0], torch.tensor(0.25)) and chroma(grey)[1].abs().max() < 1e-6
    red = torch.tensor([0.5, -0.5, -0.5]).view(1, 3, 1, 1)
    assert torch.allclose(chroma(red)[1].flatten(), torch.tensor([-0.1687, 0.5]), atol=1e-3)


def test_learns_which_grey_has_which_colour() -> None:
    torch.manual_seed(0)
    model = Colouriser(**SIZES)
    bright, dark = torch.tensor([0.4, 0.1, 0.0]), torch.tensor([-0.4, -0.3, 0.0])
    x = torch.where(torch.rand(8, 1, 2, 2).repeat_interleave(32, 2).repeat_interleave(32, 3) < 0.5, 1.0, 0.0)
    pictures = x * bright.view(1, 3, 1, 1) + (1 - x) * dark.view(1, 3, 1, 1)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    first = last = 0.0
    for step in range(60):
        optimiser.zero_grad()
        parts = model.loss(pictures)
        parts["loss"].backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        first, last = (float(parts["psnr"]) if step == 0 else first), float(parts["psnr"])
    assert last > first + 6


def test_sees_the_whole_picture() -> None:
    torch.manual_seed(0)
    model = Colouriser(**SIZES)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.zeros(1, 1, 512, 512, requires_grad=True)
    model(x)[..., 0, 0].sum().backward()
    assert x.grad is not None and bool(x.grad[..., -1, -1].abs() > 0)


def test_packaged_weights_are_small() -> None:
    model = load_family("colouriser")
    assert isinstance(model, Colouriser)
    assert sum(p.numel() for p in model.parameters()) * 2 < 6e6
