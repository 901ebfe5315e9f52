from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from aez.bitstream.errors import ModelError
from aez.codec.model.config import NetworkConfig
from aez.codec.networks import HyperpriorModel
from aez.codec.training.checkpoints.checkpoint import averaged, load_checkpoint, save_checkpoint
from aez.codec.training.checkpoints.mean import command, mean_of

pytestmark = pytest.mark.torch


def test_the_mean_of_two_runs(model: HyperpriorModel, tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("before", "a", "b", "mean")]
    start = model.analysis.linear.weight.detach().clone()
    for name, shift, pixels in zip(names, (0.0, 1.0, 4.0), (100, 130, 150), strict=False):
        model.analysis.linear.weight.data = start + shift
        save_checkpoint(Path(name), model, averaged(model), pixels)
    done = CliRunner().invoke(command, [*names[1:3], "--since", names[0], "-o", names[3]], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for average in (True, False):
        mean, pixels = load_checkpoint(Path(names[3]), average=average)
        assert torch.allclose(mean.analysis.linear.weight, start + 2.5, atol=1e-5)
        assert pixels == 180


def test_other_configurations_are_refused(model: HyperpriorModel) -> None:
    with pytest.raises(ModelError, match="not of one configuration"):
        mean_of([model, HyperpriorModel(NetworkConfig(latent=16, hyper=8, context=8, scale=8, points=4))])
