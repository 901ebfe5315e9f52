"""Session of `aez train` for every kind of model: device, data, training, checkpoint."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from aez.bitstream.errors import AezError
from aez.codec.memory import keep_freed_memory
from aez.codec.runtime.torch.device import choose_device
from aez.codec.threads import set_threads
from aez.codec.training.data import iter_pictures
from aez.codec.training.loop import Trainer, start_distributed
from aez.codec.training.settings import Settings


class Session(ABC):
    """One run of `aez train`; a subclass knows its kind of model."""

    def __init__(
        self,
        data: Sequence[Path],
        settings: Settings,
        *,
        resume: Path | None,
        device: str,
        report: Callable[[str], None],
    ) -> None:
        """Choose the device and join the processes of `torchrun`.

        Args:
            data: picture files, folders and tar shards.
            settings: settings of the run.
            resume: checkpoint or weights file to go on from; None for a new model.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            report: prints a line.

        Raises:
            AezError: there is no such device.
        """
        keep_freed_memory()
        # What NumPy computes, such as the perceptual slope, takes no more threads than torch was given.
        set_threads(torch.get_num_threads())
        self.device = choose_device(device)
        local_rank = start_distributed()
        if self.device.type == "cuda":
            self.device = torch.device("cuda", local_rank)
        self.leader = not dist.is_initialized() or dist.get_rank() == 0
        self.data, self.settings, self.resume = data, settings, resume
        self._report = report
        self.minutes = 0.0

    def report(self, line: str) -> None:
        """Print a line, from the leading process only."""
        if self.leader:
            self._report(line)

    def train(self, out: Path, minutes: float) -> None:
        """Train for some minutes and write the checkpoint ``out``.

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
            trainer.run(minutes, lambda now: self.save(out, now, seen + now.pixels), self.report)
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
        """Resume or start a model; return its trainer and the number of pixels that the model has seen."""

    @abstractmethod
    def save(self, out: Path, trainer: Trainer, pixels: int) -> None:
        """Write the checkpoint ``out`` of a model that has seen ``pixels`` pixels in all."""

    @abstractmethod
    def export(self, checkpoint: Path, out: Path, name: str) -> None:
        """Write the averaged weights of ``checkpoint`` to the weights file ``out``, with everything that is measured.

        Raises:
            AezError: the weights break a bound, or ``out`` cannot be written.
        """
