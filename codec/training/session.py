"""What every call of `aez train` does, whatever the model."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from aez.bitstream.errors import AezError
from aez.codec.runtime.memory import keep_freed_memory
from aez.codec.training.data import iter_pictures
from aez.codec.training.loop import Schedule, Trainer, start_distributed


class Session(ABC):
    """Holds what the steps of a training command share; a subclass knows its kind of model."""

    def __init__(
        self,
        data: Sequence[Path],
        schedule: Schedule,
        *,
        resume: Path | None,
        device: str,
        threads: int | None,
        report: Callable[[str], None],
    ) -> None:
        """Check the device and remember everything else.

        Raises:
            AezError: the device is not there.
        """
        keep_freed_memory()
        if threads:
            torch.set_num_threads(threads)
        local_rank = start_distributed()
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if (device == "cuda" and not torch.cuda.is_available()) or (
            device == "mps" and not torch.backends.mps.is_available()
        ):
            raise AezError(f"there is no {device} device here")
        self.device = torch.device(device, local_rank) if device == "cuda" else torch.device(device)
        self.leader = not dist.is_initialized() or dist.get_rank() == 0
        self.data, self.schedule, self.resume = data, schedule, resume
        self._report = report
        self.minutes = 0.0

    def report(self, line: str) -> None:
        """Print from the leading process only."""
        if self.leader:
            self._report(line)

    def train(self, out: Path) -> None:
        """Train and write the checkpoint ``out``.

        Raises:
            AezError: data or weights cannot be read, or ``out`` cannot be written.
        """
        if not out.parent.is_dir():
            raise AezError(f"{out}: the folder does not exist")
        pictures = list(iter_pictures(self.data))
        self.report(f"{len(pictures)} pictures, {sum(p[0].numel() for p in pictures) / 1e6:.0f} Mpixel")
        trainer, seen = self.prepare(pictures)
        begin = time.monotonic()
        try:
            trainer.run(lambda now: self.save(out, now, seen + now.pixels), self.report)
        except OSError as error:
            raise AezError(f"{out}: cannot be written ({error.strerror})") from None
        self.minutes = (time.monotonic() - begin) / 60
        if dist.is_initialized():
            dist.barrier()
            dist.destroy_process_group()
        self.report(
            f"{trainer.step} steps, {trainer.pixels / 1e6:.0f} Mpixel in {self.minutes:.1f} min "
            f"({seen + trainer.pixels} pixels in all), {trainer.skipped} steps skipped"
        )

    @abstractmethod
    def prepare(self, pictures: Sequence[Tensor]) -> tuple[Trainer, int]:
        """The trainer of a model, resumed or new, and the pixels that the model has seen."""

    @abstractmethod
    def save(self, out: Path, trainer: Trainer, pixels: int) -> None:
        """Write the checkpoint ``out``; ``pixels`` the model has seen in all."""
