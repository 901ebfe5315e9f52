import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aez.bitstream import ModelError
from aez.codec.model.scales import FIRST_CODED, LEVELS, LEVELS_PER_NAT, LOG_SCALE_MIN, SKIP_BELOW, ladder
from aez.codec.model.weightfile import Weights
from aez.codec.networks import HyperpriorModel, NetworkConfig, QualityTable
from aez.codec.networks.blocks import DepthConvBlock, down, up
from aez.codec.networks.dct import colour_dct
from aez.codec.networks.loading import coding_model
from aez.codec.networks.quality import lambda_of

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("rows", [1, 24, 320, 768])
def test_colour_dct_is_orthonormal(rows: int) -> None:
    basis, variances = colour_dct(rows)
    assert basis.shape == (rows, 768)
    assert torch.allclose(basis @ basis.T, torch.eye(rows), atol=1e-5)
    assert torch.equal(variances, variances.sort(descending=True).values)


def test_colour_dct_starts_with_the_mean_of_all_samples() -> None:
    basis, _ = colour_dct(1)
    assert torch.allclose(basis[0], torch.full((768,), 768**-0.5), atol=1e-6)


def test_the_start_is_a_linear_codec() -> None:
    """With every row of the DCT and no rounding, synthesis undoes analysis."""
    config = NetworkConfig(768, 4, 4, 1, 4, 1, 4, 1, 4, 1, 4, 4, 2)
    model = HyperpriorModel(config).eval()
    x = torch.rand(1, 3, 32, 48) - 0.5
    position = torch.tensor([0.3])
    with torch.inference_mode():
        y = model.analyse(x, position)
        back = model.synthesise(y, position)
    assert y.shape == (1, 768, 2, 3)
    assert (back - x).abs().max() < 0.02


def test_ladder() -> None:
    sigmas = ladder()
    assert len(sigmas) == LEVELS
    assert sigmas[0] == pytest.approx(0.11)
    assert sigmas[-1] == pytest.approx(256)
    ratios = np.diff(np.log(sigmas))
    assert ratios == pytest.approx(np.full(LEVELS - 1, 1 / LEVELS_PER_NAT))
    assert sigmas[FIRST_CODED - 1] < SKIP_BELOW < sigmas[FIRST_CODED]
    assert round((np.log(SKIP_BELOW) - LOG_SCALE_MIN) * LEVELS_PER_NAT, 6) == FIRST_CODED - 0.5


def test_lambda_is_log_linear() -> None:
    values = lambda_of(torch.tensor([0.0, 7.5, 15.0]), 16) / 255**2
    assert values.tolist() == pytest.approx([0.0008, (0.0008 * 0.5) ** 0.5, 0.5])


def test_quality_tables_interpolate() -> None:
    table = QualityTable(4, 2)
    with torch.no_grad():
        table.rows.copy_(torch.tensor([[0.0, 1], [10, 2], [20, 4], [50, 8]]))
    out = table(torch.tensor([0, 0.5, 2.0, 2.5, 3.0]))
    assert out.shape == (5, 2, 1, 1)
    assert out[:, :, 0, 0].tolist() == [[0, 1], [5, 1.5], [20, 4], [35, 6], [50, 8]]


def test_a_new_block_changes_nothing() -> None:
    x = torch.randn(2, 8, 9, 7)
    block = DepthConvBlock(8)
    with torch.inference_mode():
        assert (block(x) - x).abs().max() < 0.05
        assert block.to(torch.bfloat16)(x).dtype == torch.float32


@pytest.mark.parametrize("factor", [2, 4])
def test_down_and_up_are_a_layer_behind_and_before_a_shuffle(factor: int) -> None:
    x = torch.rand(2, 5, 8, 12).contiguous(memory_format=torch.channels_last)
    layer = torch.nn.Conv2d(5 * factor**2, 7, 1)
    assert torch.allclose(down(layer, x, factor), layer(F.pixel_unshuffle(x, factor)), atol=1e-5)
    for bias in (True, False):
        layer = torch.nn.Conv2d(5, 3 * factor**2, 1, bias=bias)
        out = up(layer, x, factor)
        assert torch.allclose(out, F.pixel_shuffle(layer(x), factor), atol=1e-5)
        assert out.is_contiguous(memory_format=torch.channels_last)


def test_a_block_sees_its_neighbours_only() -> None:
    block = DepthConvBlock(4)
    torch.nn.init.normal_(block.conv_out.weight)
    torch.nn.init.normal_(block.project.weight)
    x = torch.randn(1, 4, 9, 9)
    other = x.clone()
    other[:, :, 4, 4] += 5
    with torch.inference_mode():
        seen = (block(x) != block(other)).any(1)[0]
    assert seen[3:6, 3:6].all()
    assert seen.sum() == 9


def test_second_means_see_only_what_is_known(tiny: Weights) -> None:
    """Elements of the first step keep their mean; the others' do not depend on their own values."""
    context = coding_model(tiny).context
    z = torch.randint(-5, 6, (1, tiny.config.hyper, 2, 3)).float()
    with torch.inference_mode():
        features = context.features(z)
        first = context.first_mean(features)
        mask = context.first_mask(8, 12, 0, 0, first)
        r = torch.randint(-9, 10, first.shape).float()
        mean = context.second_mean(features, first, (r + first) * mask, mask)
        again = context.second_mean(features, first, (r * mask + 99 * (1 - mask) + first) * mask, mask)
    assert mask.sum() == mask.numel() / 2
    assert torch.equal(mean[mask == 1], first[mask == 1])
    assert torch.equal(mean, again)
    assert not torch.equal(mean, first)


def test_the_mask_belongs_to_the_picture_not_the_window(tiny: Weights) -> None:
    context = coding_model(tiny).context
    like = torch.zeros(1)
    whole = context.first_mask(9, 11, 0, 0, like)
    assert torch.equal(context.first_mask(4, 5, 3, 6, like), whole[:, :, 3:7, 6:11])
    half = tiny.config.latent // 2
    assert whole[0, 0, 0, :2].tolist() == [1, 0]
    assert whole[0, half, 0, :2].tolist() == [0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"latent": 769},
        {"latent": 0},
        {"hyper": 5000},
        {"analysis_depth": -1},
        {"synthesis4_depth": 65},
        {"points": 257},
        {"points": 1},
        {"context": 1.5},
        {"context": True},
        {"width": 3},
    ],
)
def test_sizes_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        NetworkConfig.from_dict(wrong)


def test_defaults_are_the_released_sizes() -> None:
    assert NetworkConfig.from_dict({}) == NetworkConfig()
    assert NetworkConfig.from_dict({"analysis_depth": 0}).analysis_depth == 0
