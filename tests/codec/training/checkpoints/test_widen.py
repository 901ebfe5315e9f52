import pytest
import torch
from torch import Tensor

from aez.bitstream import ModelError
from aez.codec.networks import HyperpriorModel
from aez.codec.training.checkpoints.widen import widened
from aez.codec.training.data import CropSampler
from aez.codec.training.evaluate import evaluate

pytestmark = pytest.mark.torch
MORE = 8


@pytest.fixture
def crops(pictures: list[Tensor]) -> list[Tensor]:
    sampler = CropSampler(pictures, 64, 3)
    return [sampler.batch(16) for _ in range(6)]


def lost(model: HyperpriorModel, x: Tensor) -> float:
    """Return the squared error of decoded pictures whose latents are not quantised, at the highest quality."""
    position = torch.full((len(x),), model.config.points - 1.0)
    with torch.no_grad():
        return float((x - model.synthesise(model.analyse(x, position), position)).square().mean())


def test_new_channels_hold_what_was_lost(model: HyperpriorModel, crops: list[Tensor]) -> None:
    wide = widened(model, model.config.latent + MORE, crops, filtered=False)
    assert wide.config.latent == model.config.latent + MORE
    assert lost(wide, crops[0]) < 0.9 * lost(model, crops[0])


def test_old_channels_compute_the_same(model: HyperpriorModel, crops: list[Tensor], pictures: list[Tensor]) -> None:
    wide = widened(model, model.config.latent + MORE, crops, filtered=False)
    half, extra = model.config.latent // 2, MORE // 2
    old = [*range(half), *range(half + extra, model.config.latent + extra)]
    position = torch.tensor([1.0])
    x = crops[0][:1]
    with torch.no_grad():
        assert torch.allclose(wide.analyse(x, position)[:, old], model.analyse(x, position), atol=1e-4)
        # The steps of the context stay those of the old channels.
        masks = [m.context.first_mask(4, 4, 0, 0, x) for m in (wide, model)]
        assert torch.equal(masks[0][:, old], masks[1])
        # Nothing of the new channels reaches the networks before training.
        wide.encoder_gain.rows[:, [c for c in range(wide.config.latent) if c not in old]] = -20.0
    for a, b in zip(evaluate(model, pictures, [0, 2]), evaluate(wide, pictures, [0, 2]), strict=True):
        assert (a.bpp, a.psnr) == pytest.approx((b.bpp, b.psnr), rel=1e-4)


def test_the_objective_gains(model: HyperpriorModel, crops: list[Tensor], pictures: list[Tensor]) -> None:
    last = model.config.points - 1
    wide = widened(model, model.config.latent + MORE, crops, filtered=False)
    before, after = (evaluate(m, pictures, [last])[0] for m in (model, wide))
    assert after.psnr > before.psnr
    assert after.loss < before.loss


@pytest.mark.parametrize("latent", [1, 15, 770])
def test_numbers_that_cannot_be(model: HyperpriorModel, latent: int) -> None:
    with pytest.raises(ModelError, match=f"latent: {latent} "):
        widened(model, latent, [], filtered=False)


def test_no_more_channels_change_nothing(model: HyperpriorModel) -> None:
    assert widened(model, model.config.latent, [], filtered=True) is model
