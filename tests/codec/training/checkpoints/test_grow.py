import pytest
import torch
from torch import Tensor

from aez.bitstream import ModelError
from aez.codec.networks import HyperpriorModel
from aez.codec.training.checkpoints.grow import grown
from aez.codec.training.evaluate import evaluate
from aez.codec.training.flagship import flagship_trainer
from aez.codec.training.recipe import load_recipe

pytestmark = pytest.mark.torch


def test_a_grown_model_computes_the_same(model: HyperpriorModel, pictures: list[Tensor]) -> None:
    larger = grown(model, {"synthesis16_depth": model.config.synthesis16_depth + 2, "analysis_depth": 4})
    assert len(larger.synthesis.blocks16) == len(model.synthesis.blocks16) + 2
    assert larger.config.analysis_depth == 4
    for a, b in zip(evaluate(model, pictures, [0, 2]), evaluate(larger, pictures, [0, 2]), strict=True):
        assert (a.bpp, a.psnr) == pytest.approx((b.bpp, b.psnr), rel=1e-5)


def test_new_blocks_learn(model: HyperpriorModel, pictures: list[Tensor]) -> None:
    larger = grown(model, {"synthesis8_depth": model.config.synthesis8_depth + 1})
    before = {k: v.clone() for k, v in larger.synthesis.blocks8[-1].state_dict().items()}
    settings = load_recipe("photo-start", ["batch=2", "crop=64"])
    trainer = flagship_trainer(larger, pictures, settings, torch.device("cpu"))
    for _ in range(4):
        trainer.train_step(1.0)
    assert all(not torch.equal(v, before[k]) for k, v in larger.synthesis.blocks8[-1].state_dict().items())


def test_new_quality_points_continue_the_scale(model: HyperpriorModel, pictures: list[Tensor]) -> None:
    points = model.config.points
    larger = grown(model, {"points": points + 2})
    assert larger.config.points == points + 2
    old, new = (m.distortion_weight(torch.arange(m.config.points)) for m in (model, larger))
    assert torch.allclose(old, new[:points])
    assert torch.allclose(new.log().diff(), old.log().diff()[0].expand(points + 1), atol=1e-5)
    rows = larger.encoder_gain.rows
    step = (rows[points - 1] - rows[points - 1 - min(3, points - 1)]) / min(3, points - 1)
    assert torch.allclose(rows[points:], rows[points - 1] + torch.tensor([[1.0], [2.0]]) * step, atol=1e-6)
    before, after = evaluate(model, pictures, [points - 1]), evaluate(larger, pictures, [points - 1, points])
    assert after[0].psnr == pytest.approx(before[0].psnr, rel=1e-5)
    assert after[1].bpp > after[0].bpp


@pytest.mark.parametrize(
    ("name", "depth"), [("latent", 400), ("nonsense_depth", 2), ("analysis_depth", 0), ("points", 1)]
)
def test_what_cannot_grow(model: HyperpriorModel, name: str, depth: int) -> None:
    with pytest.raises(ModelError, match=name):
        grown(model, {name: depth})
