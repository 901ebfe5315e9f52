"""The training loop: time-boxed, cut anywhere, resumed from weights alone."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.flop_counter import FlopCounterMode

from aez.bitstream.errors import ModelError
from aez.codec.runtime.torch.device import choose_precision
from aez.codec.training.checkpoint import averaged
from aez.codec.training.data import CropSampler
from aez.codec.training.optimisers import make_optimiser
from aez.codec.training.precision import peak_gmacs

MAX_BAD_STEPS = 50


@dataclass(frozen=True)
class Schedule:
    """How to train.

    Attributes:
        minutes: wall-clock time of this piece.
        decay_minutes: the last part of it, in which the learning rate falls linearly to zero; 0 for a constant rate.
        optimiser: a name of ``optimisers.OPTIMISERS``.
        learning_rate: after the warm-up.
        warmup: steps.
        batch: crops a step and process.
        crop: pixels a side.
        candidates: places looked at for each crop, of which the busiest is taken.
        drawn: share of the crops that are drawn; see :class:`CropSampler`.
        partial: share of the batches that end in partial cells; see the same.
        average: decay of the exponential average of the weights, a step.
        symbols: that the rate is of, one of ``objective.SYMBOLS``; all but noisy ones are for a last phase.
        save_minutes: between checkpoints.
        seed: of crops, qualities and noise; each process adds its rank.
    """

    minutes: float
    decay_minutes: float = 0.0
    optimiser: str = "adamw"
    learning_rate: float = 6e-4
    warmup: int = 100
    batch: int = 8
    crop: int = 256
    candidates: int = 1
    drawn: float = 0.0
    partial: float = 0.0
    average: float = 0.998
    symbols: str = "noisy"
    save_minutes: float = 3.0
    seed: int = 0

    def rate(self, step: int, minutes: float) -> float:
        """Learning rate as a share of its height, at a step and after so many minutes."""
        warm = min(1.0, (step + 1) / self.warmup)
        if self.decay_minutes <= 0:
            return warm
        return warm * max(0.0, min(1.0, (self.minutes - minutes) / self.decay_minutes))


class Trainer:
    """Trains one model on crops; every process of a `torchrun` holds one."""

    def __init__(
        self,
        model: nn.Module,
        objective: nn.Module,
        pictures: Sequence[Tensor],
        schedule: Schedule,
        device: torch.device,
        blocks: Sequence[nn.Module],
    ) -> None:
        """Move the model to ``device`` and set up optimiser and average.

        Args:
            model: what to train.
            objective: holds ``model``; a batch of crops and ``schedule.symbols`` to the mean loss.
            pictures: (3, H, W) uint8.
            schedule: how.
            device: where.
            blocks: the model's modules that may run in the machine's fast type.

        Raises:
            ImageError: no picture is as large as a crop.
        """
        rank, self.processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self.leader = rank == 0
        torch.manual_seed(schedule.seed + rank)
        self.schedule, self.device = schedule, device
        seed = schedule.seed * 1009 + rank
        self.sampler = CropSampler(pictures, schedule.crop, seed, schedule.candidates, schedule.drawn, schedule.partial)
        self.model = model.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.blocks = blocks
        objective = objective.to(device).train()
        self.objective = DistributedDataParallel(objective) if self.processes > 1 else objective
        self.optimiser = make_optimiser(schedule.optimiser, self.model, schedule.learning_rate)
        self.average = averaged(self.model)
        self.autocast = choose_precision(device.type)
        self.step = self.pixels = self.skipped = 0

    def train_step(self, share: float) -> Tensor:
        """One step at ``share`` of the learning rate; returns the detached mean loss.

        A step whose gradient is not finite is skipped.
        """
        x = self.sampler.batch(self.schedule.batch).to(self.device, non_blocking=True)
        # Rates, means and linear shortcuts need float32: only the blocks run in the machine's fast type.
        with _autocast(self.blocks, self.device.type, self.autocast):
            loss: Tensor = self.objective(x, self.schedule.symbols)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        if not torch.isfinite(norm):
            self.skipped += 1
            if self.skipped > MAX_BAD_STEPS + self.step // 10:
                raise ModelError("training diverged: too many steps without a finite gradient")
            return loss.detach()
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.learning_rate * share * group["share"]
        self.optimiser.step()
        self.step += 1
        self.pixels += x.shape[0] * x.shape[2] * x.shape[3] * self.processes
        decay = min(self.schedule.average, self.step / (self.step + 9))
        with torch.no_grad():
            live = self.model.state_dict()
            torch._foreach_lerp_(list(self.average.values()), [live[k].float() for k in self.average], 1 - decay)
        return loss.detach()

    def run(self, save: Callable[["Trainer"], None], report: Callable[[str], None]) -> None:
        """Train until the time is up or SIGTERM or SIGINT arrives; the checkpoint is written either way.

        Args:
            save: writes the checkpoint; called in the leading process.
            report: called with a line of progress, in the leading process.
        """
        stop = _StopFlag()
        losses: list[Tensor] = []  # read together: no step waits for its loss
        kilomacs = self._kilomacs()
        if self.leader:
            peak = peak_gmacs(self.device, self.autocast)
            report(f"{self.device}, {self.autocast}, {kilomacs:.1f} kMAC a pixel, peak {peak:.0f} GMAC/s")
        begin = saved = time.monotonic()  # counting and measuring take no time from training
        while True:
            minutes = (time.monotonic() - begin) / 60
            if self._any(stop.set or minutes >= self.schedule.minutes):
                break
            losses.append(self.train_step(self.schedule.rate(self.step, minutes)))
            if len(losses) == 50:
                if self.leader:
                    speed = self.pixels / 1e6 / (time.monotonic() - begin)
                    work = speed * kilomacs / self.processes
                    report(
                        f"step {self.step}  {minutes:.1f} min  loss {float(torch.stack(losses).nanmean()):.5f}  "
                        f"{speed:.3f} Mpixel/s  {work:.0f} GMAC/s a process"
                    )
                losses.clear()
            if self.leader and time.monotonic() - saved > self.schedule.save_minutes * 60:
                save(self)
                saved = time.monotonic()
        if self.leader:
            save(self)
        stop.restore()

    def _kilomacs(self) -> float:
        """Multiply–accumulates a pixel of one forward and backward pass, in thousands, counted on two crops."""
        side = self.schedule.crop
        x = torch.zeros(2, 3, side, side, device=self.device).contiguous(memory_format=torch.channels_last)
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        objective = self.objective.module if isinstance(self.objective, DistributedDataParallel) else self.objective
        with FlopCounterMode(display=False) as counter:
            objective(x, "noisy").backward()
        self.optimiser.zero_grad(set_to_none=True)
        for buffer, before in zip(self.model.buffers(), buffers, strict=True):
            buffer.copy_(before)
        return float(counter.get_total_flops()) / 2 / len(x) / side**2 / 1e3

    def _any(self, mine: bool) -> bool:
        """Whether any process wants to stop, so that all leave the loop at the same step."""
        if self.processes == 1:
            return mine
        flag = torch.tensor([float(mine)], device=self.device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag.item())


class _StopFlag:
    """Set by SIGTERM or SIGINT, so that the loop ends between two steps."""

    def __init__(self) -> None:
        self.set = False
        self._old = {s: signal.signal(s, self._on) for s in (signal.SIGTERM, signal.SIGINT)}

    def _on(self, _signal: int, _frame: FrameType | None) -> None:
        self.set = True

    def restore(self) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)


@contextmanager
def _autocast(blocks: Sequence[nn.Module], device: str, dtype: torch.dtype) -> Iterator[None]:
    """Autocast inside some modules and nowhere else; gradients and weights stay float32."""
    contexts: list[torch.autocast] = []

    def before(_module: nn.Module, _inputs: object) -> None:
        contexts.append(torch.autocast(device, dtype))
        contexts[-1].__enter__()  # type: ignore[no-untyped-call]

    def after(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        contexts.pop().__exit__(None, None, None)
        return output.float()

    with ExitStack() as hooks:
        for block in blocks if dtype != torch.float32 else ():
            hooks.callback(block.register_forward_pre_hook(before).remove)
            hooks.callback(block.register_forward_hook(after).remove)
        yield


def start_distributed() -> int:
    """Join the process group that `torchrun` announces; returns the local rank, 0 without one."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return 0
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return int(os.environ.get("LOCAL_RANK", "0"))
