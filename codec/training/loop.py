"""The training loop: limited in time, stopped between any two steps, resumed from weights alone."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.flop_counter import FlopCounterMode

from aez.bitstream.errors import ModelError
from aez.codec.runtime.torch.device import choose_precision
from aez.codec.training.checkpoints.checkpoint import averaged
from aez.codec.training.data import CropSampler
from aez.codec.training.optimisers import make_optimiser
from aez.codec.training.settings import Settings
from aez.codec.training.speed import peak_gmacs

MAX_BAD_STEPS = 50


def rate_share(settings: Settings, step: int, elapsed: float, minutes: float) -> float:
    """Return the share of the learning rate at a step, ``elapsed`` of ``minutes`` minutes after the start."""
    share = min(1.0, (step + 1) / settings.warmup)
    falling = settings.decay * minutes
    return share * max(0.0, min(1.0, (minutes - elapsed) / falling)) if falling else share


class Trainer:
    """A model in training; every process of a `torchrun` holds one."""

    def __init__(
        self,
        model: nn.Module,
        objective: nn.Module,
        pictures: Sequence[Tensor],
        settings: Settings,
        device: torch.device,
        blocks: Sequence[nn.Module],
    ) -> None:
        """Move the model to ``device`` and set up optimiser and average.

        Args:
            model: the model.
            objective: module that holds ``model`` and maps a batch of crops and ``settings.symbols`` to the mean loss.
            pictures: (3, H, W) uint8.
            settings: settings of the run.
            device: device to train on.
            blocks: modules of the model that may run in the device's fast type.

        Raises:
            ImageError: no picture is as large as a crop.
        """
        rank, self.processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self.leader = rank == 0
        torch.manual_seed(settings.seed + rank)
        self.settings, self.device = settings, device
        seed = settings.seed * 1009 + rank
        self.sampler = CropSampler(pictures, settings.crop, seed, settings.candidates, settings.drawn, settings.partial)
        self.model = model.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.blocks = blocks
        objective = objective.to(device).train()
        self.objective = DistributedDataParallel(objective) if self.processes > 1 else objective
        self.optimiser = make_optimiser(settings.optimiser, self.model, settings.learning_rate)
        self.average = averaged(self.model)
        self.autocast = choose_precision(device.type)
        self.step = self.pixels = self.skipped = 0

    def train_step(self, share: float) -> Tensor:
        """Take one step at a share of the learning rate; skip it if the gradient is not finite.

        Returns:
            The mean loss, detached.

        Raises:
            ModelError: too many steps had no finite gradient.
        """
        x = self.sampler.batch(self.settings.batch).to(self.device, non_blocking=True)
        # Rates, means and linear shortcuts need float32: only the blocks run in the device's fast type.
        with _autocast(self.blocks, self.device.type, self.autocast):
            loss: Tensor = self.objective(x, self.settings.symbols)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        if not torch.isfinite(norm):
            self.skipped += 1
            if self.skipped > MAX_BAD_STEPS + self.step // 10:
                raise ModelError("training diverged: too many steps without a finite gradient")
            return loss.detach()
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * share * group["share"]
        self.optimiser.step()
        self.step += 1
        self.pixels += x.shape[0] * x.shape[2] * x.shape[3] * self.processes
        decay = min(self.settings.average, self.step / (self.step + 9))
        with torch.no_grad():
            live = self.model.state_dict()
            torch._foreach_lerp_(list(self.average.values()), [live[k].float() for k in self.average], 1 - decay)
        return loss.detach()

    def run(self, minutes: float, save: Callable[["Trainer"], None], report: Callable[[str], None]) -> None:
        """Train until the time is up, or SIGTERM or SIGINT arrives; write the checkpoint either way.

        Args:
            minutes: wall-clock time to train for.
            save: writes the checkpoint; called in the leading process.
            report: prints a line of progress; called in the leading process.
        """
        stop = _StopFlag()
        losses: list[Tensor] = []  # read together, so that no step waits for its loss
        kilomacs = self._kilomacs()
        if self.leader:
            peak = peak_gmacs(self.device, self.autocast)
            report(f"{self.device}, {self.autocast}, {kilomacs:.1f} kMAC per pixel, peak {peak:.0f} GMAC/s")
        begin = saved = time.monotonic()  # after counting and measuring, which take no time from training
        while True:
            elapsed = (time.monotonic() - begin) / 60
            if self._any(stop.set or elapsed >= minutes):
                break
            losses.append(self.train_step(rate_share(self.settings, self.step, elapsed, minutes)))
            if len(losses) == 50:
                if self.leader:
                    speed = self.pixels / 1e6 / (time.monotonic() - begin)
                    work = speed * kilomacs / self.processes
                    report(
                        f"step {self.step}  {elapsed:.1f} min  loss {float(torch.stack(losses).nanmean()):.5f}  "
                        f"{speed:.3f} Mpixel/s  {work:.0f} GMAC/s per process"
                    )
                losses.clear()
            if self.leader and time.monotonic() - saved > self.settings.save_minutes * 60:
                save(self)
                saved = time.monotonic()
        if self.leader:
            save(self)
        stop.restore()

    def _kilomacs(self) -> float:
        """Count the multiply–accumulates per pixel of a forward and backward pass on two crops, in thousands."""
        side = self.settings.crop
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
        """Check whether any process wants to stop, so that all leave the loop at the same step."""
        if self.processes == 1:
            return mine
        flag = torch.tensor([float(mine)], device=self.device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag.item())


class _StopFlag:
    """A flag that SIGTERM and SIGINT set, so that the loop ends between two steps."""

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
    """Run some modules in ``dtype``, and nothing else; weights, gradients and outputs stay float32."""
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
    """Join the process group of `torchrun`, if there is one, and return the local rank, else 0."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return 0
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return int(os.environ.get("LOCAL_RANK", "0"))
