"""The device of a training run, and what it resumes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from aez.bitstream import AezError
from aez.codec.threads import set_threads, threads
from aez.codec.training.flagship import FlagshipSession
from aez.codec.training.recipe import load_recipe

pytestmark = pytest.mark.torch


def session(device: str) -> FlagshipSession:
    return FlagshipSession([Path("a.png")], load_recipe("photo-start"), resume=None, device=device, report=print)


@pytest.fixture
def tf32() -> Iterator[None]:
    """Both switches on, as a program may have set them; restored afterwards."""
    switches = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [switch.allow_tf32 for switch in switches]
    for switch in switches:
        switch.allow_tf32 = True
    yield
    for switch, value in zip(switches, before, strict=True):
        switch.allow_tf32 = value


@pytest.mark.usefixtures("tf32")
def test_training_on_cuda_turns_tf32_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert session("auto").device == torch.device("cuda", 0)
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_training_finds_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert session("auto").device == torch.device("mps")


def test_missing_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(AezError, match="no device 'cuda'"):
        session("cuda")


def test_numpy_takes_the_threads_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: before + 1)
    try:
        session("cpu")
        assert threads() == before + 1
    finally:
        set_threads(before)


def test_a_resumed_model_grows(tiny_path: Path, pictures: list[Tensor]) -> None:
    settings = load_recipe("photo", ["batch=1", "crop=64", "distortion='mse'", "partial=0", "grow.latent=24"])
    run = FlagshipSession([], settings, resume=tiny_path, device="cpu", report=print)
    trainer, _ = run.prepare(pictures)
    assert trainer.model.config.latent == 24  # type: ignore[union-attr]
