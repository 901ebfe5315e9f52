"""One call of `aez train`: load, train, evaluate, export."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import torch
import torch.distributed as dist

from aez.bitstream.errors import AezError
from aez.codec.files import write_atomically
from aez.codec.memory import keep_freed_memory
from aez.codec.networks import HyperpriorModel
from aez.codec.training.checkpoint import load_checkpoint
from aez.codec.training.data import CropSampler, iter_pictures
from aez.codec.training.evaluate import evaluate, format_table
from aez.codec.training.export import export_weights
from aez.codec.training.grey import PICTURES, with_grey_tables
from aez.codec.training.grow import grown
from aez.codec.training.loop import Schedule, Trainer, start_distributed
from aez.codec.training.start import start_from_data
from aez.codec.weightfile import serialise_weights

START_BATCHES, START_BATCH = 24, 16
EVALUATION_STEP = 3


class Session:
    """Holds what the steps of a training command share."""

    def __init__(
        self,
        data: Sequence[Path],
        schedule: Schedule,
        *,
        resume: Path | None,
        grow: Mapping[str, int] | None = None,
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
        self.data, self.schedule, self.resume, self.grow = data, schedule, resume, grow or {}
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
        if self.resume:
            model, seen = load_checkpoint(self.resume, average=False)
            model = grown(model, self.grow) if self.grow else model
        else:
            model, seen = HyperpriorModel(), 0
            sampler = CropSampler(pictures, self.schedule.crop, self.schedule.seed)
            start_from_data(model, (sampler.batch(START_BATCH) for _ in range(START_BATCHES)))
        trainer = Trainer(model, pictures, self.schedule, self.device)
        begin = time.monotonic()
        try:
            trainer.run(out, seen, self.report)
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

    def evaluate(self, checkpoint: Path, valid: Sequence[Path]) -> None:
        """Print the table of the averaged weights on pictures."""
        if self.leader:
            model, _ = load_checkpoint(checkpoint, average=True)
            points = range(0, model.config.points, EVALUATION_STEP)
            self.report(format_table(evaluate(model.to(self.device), list(iter_pictures(valid)), list(points))))

    def export(self, checkpoint: Path, out: Path, name: str) -> None:
        """Write the averaged weights in runtime form, every bound verified.

        Raises:
            AezError: the model breaks a bound, or ``out`` cannot be written.
        """
        if not self.leader:
            return
        model, pixels = load_checkpoint(checkpoint, average=True)
        weights = export_weights(model, name, {"pixels": pixels, "minutes": round(self.minutes, 1)})
        weights = with_grey_tables(weights, islice(iter_pictures(self.data), PICTURES))
        try:
            write_atomically(out, serialise_weights(weights))
        except OSError as error:
            raise AezError(f"{out}: cannot be written ({error.strerror})") from None
        self.report(f"{out}: {out.stat().st_size} bytes, fingerprint {weights.fingerprint.hex()}")
