"""Two processes train like one with the double batch (gloo, on the CPU)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.networks import HyperpriorModel
from aez.codec.training.checkpoints.checkpoint import averaged, load_checkpoint, save_checkpoint

pytestmark = pytest.mark.torch

STEPS = 8
# Every process takes its share of the same crops at the same qualities; symbols are rounded, so that nothing is drawn.
WORKER = f"""
import json, sys
from pathlib import Path
import torch
import torch.distributed as dist
from aez.codec.training.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from aez.codec.training import flagship
from aez.codec.training.loop import start_distributed
from aez.codec.training.recipe import load_recipe
torch.set_num_threads(1)
start_distributed()
rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
folder, name = Path(sys.argv[1]), sys.argv[2]
crops = torch.load(folder / "crops.pt")[rank::processes]
positions = torch.tensor([1.5, 4.5, 9.0, 13.5])[rank::processes]
model, _ = load_checkpoint(folder / "start", average=False)
changes = [f"batch={{len(crops)}}", "crop=64", "warmup=1", "learning_rate=1e-3", "symbols=rounded"]
settings = load_recipe("photo-start", changes)
trainer = flagship.flagship_trainer(model, [torch.zeros(3, 64, 64, dtype=torch.uint8)], settings, torch.device("cpu"))
trainer.autocast = torch.float32
trainer.sampler.batch = lambda count: crops
flagship.drawn_positions = lambda *_: positions
losses = [float(trainer.train_step(1.0)) for _ in range({STEPS})]
(folder / f"{{name}}{{rank}}.json").write_text(json.dumps(losses))
save_checkpoint(folder / f"{{name}}{{rank}}", trainer.model, trainer.average, trainer.pixels)
"""


def train(folder: Path, name: str, processes: int) -> NDArray[np.float64]:
    """Train in so many processes; returns their losses, (processes, STEPS)."""
    script = folder / "worker.py"
    script.write_text(WORKER)
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = [*launcher, str(script), str(folder), name]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return np.array([json.loads((folder / f"{name}{rank}.json").read_text()) for rank in range(processes)])


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no distributed package")
def test_two_processes_train_like_one_with_the_double_batch(
    model: HyperpriorModel, tmp_path: Path, pictures: list[Tensor]
) -> None:
    save_checkpoint(tmp_path / "start", model, averaged(model), 0)
    corners = ((0, 0), (30, 60), (64, 20), (10, 90))
    crops = torch.stack([pictures[0][:, i : i + 64, j : j + 64].float() / 255 - 0.5 for i, j in corners])
    torch.save(crops, tmp_path / "crops.pt")
    alone, both = train(tmp_path, "alone", 1)[0], train(tmp_path, "both", 2)
    assert both[0] != pytest.approx(both[1], rel=0.01)  # each has crops of its own
    assert both.mean(0) == pytest.approx(alone, rel=2e-3)
    (one, pixels), (first, seen), (second, _) = (
        load_checkpoint(tmp_path / name, average=False) for name in ("alone0", "both0", "both1")
    )
    assert seen == pixels == STEPS * 4 * 64 * 64
    other, single = second.state_dict(), one.state_dict()
    assert all(torch.equal(value, other[name]) for name, value in first.state_dict().items())
    moved = torch.cat([(value - model.state_dict()[name]).flatten() for name, value in single.items()])
    apart = torch.cat([(value - single[name]).flatten() for name, value in first.state_dict().items()])
    assert apart.norm() < 0.2 * moved.norm()
