from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from aez.bitstream import ImageError, ModelError
from aez.codec.model.weightfile import parse_weights, serialise_weights
from aez.codec.networks import HyperpriorModel
from aez.codec.training import loop
from aez.codec.training.checkpoints.checkpoint import averaged, load_checkpoint, save_checkpoint
from aez.codec.training.evaluate import evaluate, format_table
from aez.codec.training.export import export_weights
from aez.codec.training.flagship import flagship_trainer
from aez.codec.training.loop import Trainer, rate_share
from aez.codec.training.recipe import load_recipe

pytestmark = pytest.mark.torch

SETTINGS = load_recipe("photo-start", ["batch=2", "crop=64"])
CPU = torch.device("cpu")


@pytest.fixture
def trainer(model: HyperpriorModel, pictures: list[Tensor]) -> Trainer:
    trainer = flagship_trainer(model, pictures, SETTINGS, CPU)
    trainer.autocast = torch.float32
    return trainer


def state(model: HyperpriorModel) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def test_schedule_warms_up_and_stays() -> None:
    settings = replace(SETTINGS, warmup=4)
    assert [rate_share(settings, step, 0, 10) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert rate_share(settings, 10**6, 9.99, 10) == 1
    assert rate_share(settings, 10**6, 0, 0) == 1


def test_schedule_decays_to_zero() -> None:
    settings = replace(SETTINGS, decay=0.4, warmup=1)
    assert [rate_share(settings, 9, elapsed, 10) for elapsed in (0, 6, 7, 8, 10, 11)] == [1, 1, 0.75, 0.5, 0, 0]
    assert rate_share(replace(settings, warmup=2), 0, 8, 10) == 0.25
    assert rate_share(settings, 9, 0, 0) == 1  # no time, no division by it


@pytest.mark.parametrize(
    ("symbols", "optimiser"), [("noisy", "adamw"), ("rounded", "adamw"), ("chosen", "adamw"), ("noisy", "soap")]
)
def test_training_moves_every_weight(
    model: HyperpriorModel, pictures: list[Tensor], symbols: str, optimiser: str
) -> None:
    before = state(model)
    trainer = flagship_trainer(model, pictures, replace(SETTINGS, symbols=symbols, optimiser=optimiser), CPU)
    for _ in range(6):
        assert torch.isfinite(trainer.train_step(0.1))
    assert (trainer.step, trainer.skipped) == (6, 0)
    # Partial batches are smaller, by whole latents.
    assert 0 < trainer.pixels < 6 * 2 * 64 * 64
    assert trainer.pixels % (2 * 16 * 16) == 0
    assert [name for name, value in state(model).items() if torch.equal(value, before[name])] == []


def test_the_same_seed_gives_the_same_weights(pictures: list[Tensor], model: HyperpriorModel) -> None:
    results = []
    start = state(model)
    for _ in range(2):
        model.load_state_dict(start)
        trainer = flagship_trainer(model, pictures, SETTINGS, CPU)
        results.append([float(trainer.train_step(1.0)) for _ in range(3)])
    assert results[0] == pytest.approx(results[1], rel=1e-3)


def test_reports_give_the_mean_loss_since_the_last(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([*range(50), *[100.0] * 49, float("nan")])  # the last step is one that was skipped

    def step(_share: float) -> Tensor:
        trainer.step += 1
        return torch.tensor(float(next(losses)))

    lines: list[str] = []
    monkeypatch.setattr(trainer, "train_step", step)
    monkeypatch.setattr(trainer, "_any", lambda _mine: trainer.step == 100)
    trainer.run(1.0, lambda _trainer: None, lines.append)
    assert [line.split("loss ")[1].split()[0] for line in lines[1:]] == ["24.50000", "100.00000"]


def test_slow_parameters_move_at_half_the_rate(trainer: Trainer) -> None:
    trainer.train_step(0.5)
    fast, slow = trainer.optimiser.param_groups
    assert (fast["lr"], slow["lr"]) == (SETTINGS.learning_rate * 0.5, SETTINGS.learning_rate * 0.25)
    names = {id(p): name for name, p in trainer.model.named_parameters()}
    slow_names = {names[id(p)] for p in slow["params"]}
    assert {"analysis.linear.weight", "encoder_gain.rows", "synthesis.gain.rows"} <= slow_names
    assert len(names) == len(fast["params"]) + len(slow["params"])


def test_low_precision_stays_inside_the_blocks(trainer: Trainer) -> None:
    trainer.autocast = torch.bfloat16
    seen: dict[str, torch.dtype] = {}
    model = trainer.model
    layers = {"inside": model.analysis.blocks[0].conv_in, "latent": model.analysis, "mean": model.context.mean}
    for name, layer in layers.items():
        layer.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, out.dtype))
    assert torch.isfinite(trainer.train_step(0.1))
    assert seen == {"inside": torch.bfloat16, "latent": torch.float32, "mean": torch.float32}
    assert all(p.grad is None or p.grad.dtype == torch.float32 for p in model.parameters())
    assert len(model.analysis.blocks[0]._forward_hooks) == 0
    assert not torch.is_autocast_enabled("cpu")


def test_steps_without_a_finite_gradient_are_skipped(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "MAX_BAD_STEPS", 2)
    whole = trainer.objective
    monkeypatch.setattr(trainer, "objective", lambda *a: whole(*a) * float("nan"))
    before, average = state(trainer.model), {k: v.clone() for k, v in trainer.average.items()}
    for _ in range(2):
        trainer.train_step(1.0)
    assert (trainer.step, trainer.skipped) == (0, 2)
    assert all(torch.equal(before[k], v) for k, v in trainer.model.state_dict().items())
    assert all(torch.equal(average[k], v) for k, v in trainer.average.items())
    with pytest.raises(ModelError, match="diverged"):
        trainer.train_step(1.0)


def test_average_follows_the_weights(trainer: Trainer) -> None:
    start = {k: v.clone() for k, v in trainer.average.items()}
    trainer.train_step(1.0)
    live = trainer.model.state_dict()
    for name, value in trainer.average.items():
        # The first step's decay is 1/10: nine tenths of the new weights.
        assert torch.allclose(value, start[name] * 0.1 + live[name] * 0.9, atol=1e-6)


def test_run_stops_in_time_and_saves(trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**6, 12))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(loop, "peak_gmacs", lambda *_: 1.0)
    lines: list[str] = []
    trainer.run(
        1.0,
        lambda now: save_checkpoint(tmp_path / "a.safetensors", trainer.model, now.average, 1000 + now.pixels),
        lines.append,
    )
    assert 1 <= trainer.step <= 5
    assert lines
    _, pixels = load_checkpoint(tmp_path / "a.safetensors", average=True)
    assert pixels == 1000 + trainer.pixels


def test_work_is_counted(trainer: Trainer) -> None:
    """The tiny model's layers by hand: forward, and for all but the pixels twice as much backward."""
    seen: list[int] = []
    for layer in trainer.model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda m, _i, out: seen.append(m.weight[0].numel() * out.numel()))
    kilomacs = trainer._kilomacs()
    assert kilomacs > 2.5 * sum(seen) / 2 / 64**2 / 1e3
    assert all(p.grad is None for p in trainer.model.parameters())


def test_checkpoints_come_back(trainer: Trainer, tmp_path: Path, pictures: list[Tensor]) -> None:
    for _ in range(3):
        trainer.train_step(1.0)
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, trainer.model, trainer.average, 12345)
    live, pixels = load_checkpoint(path, average=False)
    mean, _ = load_checkpoint(path, average=True)
    assert pixels == 12345
    assert live.config == trainer.model.config
    assert all(torch.equal(v, trainer.model.state_dict()[k]) for k, v in live.state_dict().items())
    assert all(torch.equal(v, trainer.average[k]) for k, v in mean.state_dict().items())
    again = flagship_trainer(live, pictures, SETTINGS, CPU)
    assert torch.isfinite(again.train_step(1.0))


def test_exported_weights_are_the_trained_model(trainer: Trainer, tmp_path: Path, pictures: list[Tensor]) -> None:
    for _ in range(6):
        trainer.train_step(1.0)
    weights = export_weights(trainer.model.eval(), "trained", {"pixels": 77})
    path = tmp_path / "a.safetensors"
    path.write_bytes(serialise_weights(weights))
    assert parse_weights(path.read_bytes()).fingerprint == weights.fingerprint
    resumed, pixels = load_checkpoint(path, average=True)
    assert pixels == 77
    for a, b in zip(
        evaluate(trainer.model, pictures, [0, 1.5, 3]), evaluate(resumed, pictures, [0, 1.5, 3]), strict=True
    ):
        assert a.bpp == pytest.approx(b.bpp, rel=0.01)
        assert a.psnr == pytest.approx(b.psnr, abs=0.05)
        assert a.loss == pytest.approx(b.loss, rel=0.01)
    assert torch.isfinite(flagship_trainer(resumed, pictures, SETTINGS, CPU).train_step(1.0))


def test_evaluation_rises_with_quality_and_restores_the_mode(model: HyperpriorModel, pictures: list[Tensor]) -> None:
    model.train()
    rows = evaluate(model, pictures, [0, 1, 2])
    assert model.training
    assert [row.bpp for row in rows] == sorted(row.bpp for row in rows)
    assert rows[0].psnr < rows[1].psnr
    table = format_table(rows).splitlines()
    assert len(table) == 5
    assert table[-1] == f"mean loss {sum(row.loss for row in rows) / 3:.6f}"


@pytest.mark.parametrize("damage", ["missing", "truncated", "foreign", "other format"])
def test_files_that_are_no_checkpoints(tmp_path: Path, model: HyperpriorModel, damage: str, tiny_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    if damage != "missing":
        save_checkpoint(path, model, averaged(model), 0)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "foreign":
        path.write_bytes(b"no weights at all")
    elif damage == "other format":
        path.write_bytes(tiny_path.read_bytes().replace(b"aez-weights-1", b"aez-weights-9"))
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        load_checkpoint(path, average=True)


def test_pictures_must_hold_a_crop(model: HyperpriorModel, pictures: list[Tensor]) -> None:
    with pytest.raises(ImageError, match="512"):
        flagship_trainer(model, pictures, replace(SETTINGS, crop=512), CPU)
