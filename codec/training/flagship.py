"""Training of the codec's own networks (the flagship): objective, trainer, evaluation, export."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aez.bitstream.errors import AezError
from aez.bitstream.header import LATENT_STRIDE
from aez.codec.geometry.grid import CELL
from aez.codec.model.weightfile import serialise_weights
from aez.codec.networks import HyperpriorModel
from aez.codec.picture.files import write_atomically
from aez.codec.picture.ms_ssim import SMALLEST_SIDE
from aez.codec.training.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from aez.codec.training.checkpoints.grow import grown
from aez.codec.training.checkpoints.start import start_from_data
from aez.codec.training.checkpoints.widen import widened
from aez.codec.training.data import CropSampler, iter_pictures
from aez.codec.training.evaluate import evaluate, format_table
from aez.codec.training.export import export_weights
from aez.codec.training.fits import fits_named
from aez.codec.training.loop import Trainer
from aez.codec.training.objective import RateDistortion
from aez.codec.training.session import Session
from aez.codec.training.settings import Settings

START_BATCHES, START_BATCH = 24, 16
"""Batches of crops, and crops in each, that the first weights of a new model, or of new channels, are fitted to."""
EVALUATION_STEP = 3
"""Quality points from one row of the evaluation to the next."""


class FlagshipObjective(nn.Module):
    """Rate and distortion, each crop at a random quality."""

    def __init__(self, model: HyperpriorModel, settings: Settings) -> None:
        """Hold ``model``; the settings are those of :class:`RateDistortion`."""
        super().__init__()
        self.rate_distortion = RateDistortion(
            model, settings.distortion, settings.normalisation, settings.picture_filter
        )
        self.points = model.config.points

    def forward(self, x: Tensor, symbols: str) -> Tensor:
        """Return the mean loss of crops (N, 3, S, S), RGB / 255 − 1/2; ``symbols`` is one of ``SYMBOLS``."""
        loss: Tensor = self.rate_distortion(x, drawn_positions(len(x), self.points, x.device), symbols)
        return loss


def drawn_positions(count: int, points: int, device: torch.device) -> Tensor:
    """Draw quality points, (count,), one from each of ``count`` equal parts of the range.

    Crops come in random order, so every crop has every quality with the same probability; the qualities of a batch vary
    less than independent ones would.
    """
    return (torch.arange(count, device=device) + torch.rand(count, device=device)) / count * (points - 1)


def flagship_trainer(
    model: HyperpriorModel, pictures: Sequence[Tensor], settings: Settings, device: torch.device
) -> Trainer:
    """Make a trainer; arguments and errors are those of :class:`Trainer`."""
    synthesis = model.synthesis
    blocks = [*model.analysis.blocks, *synthesis.blocks16, *synthesis.blocks8, *synthesis.blocks4]
    return Trainer(model, FlagshipObjective(model, settings), pictures, settings, device, blocks)


def check_sides(settings: Settings) -> None:
    """Check that MS-SSIM can be computed on the smallest crops.

    Raises:
        AezError: crops are too small.
    """
    cut = (CELL - 1) * LATENT_STRIDE if settings.partial else 0
    if settings.distortion != "mse" and settings.crop < SMALLEST_SIDE + cut:
        kind = f"{settings.distortion} and partial batches" if cut else settings.distortion
        raise settings.error("crop", f"must be at least {SMALLEST_SIDE + cut} for {kind}, not {settings.crop}")


class FlagshipSession(Session):
    """A run of `aez train` that trains, evaluates and exports a :class:`HyperpriorModel`."""

    def __init__(self, data: Sequence[Path], settings: Settings, **options: Any) -> None:
        """As :class:`Session`.

        Raises:
            AezError: settings do not fit together, or there is no such device.
        """
        check_sides(settings)
        try:
            self.fits = fits_named(settings.fits)
        except ValueError as error:
            raise settings.error("fits", str(error)) from None
        super().__init__(data, settings, **options)
        if settings.grow and not self.resume:
            raise settings.error("grow", "enlarges a model that is resumed (--resume)")

    def prepare(self, pictures: Sequence[Tensor]) -> tuple[Trainer, int]:
        """Resume, or start a new model from the pictures."""
        if self.resume:
            model, seen = load_checkpoint(self.resume, average=False)
            model = self._grown(model, pictures) if self.settings.grow else model
        else:
            model, seen = HyperpriorModel(), 0
            sampler = CropSampler(pictures, self.settings.crop, self.settings.seed)
            start_from_data(model, (sampler.batch(START_BATCH) for _ in range(START_BATCHES)))
        return flagship_trainer(model, pictures, self.settings, self.device), seen

    def _grown(self, model: HyperpriorModel, pictures: Sequence[Tensor]) -> HyperpriorModel:
        """Return the model in the sizes of the setting ``grow``."""
        sizes = dict(self.settings.grow)
        latent = sizes.pop("latent", model.config.latent)
        model = grown(model, {name if name == "points" else f"{name}_depth": size for name, size in sizes.items()})
        sampler = CropSampler(pictures, self.settings.crop, self.settings.seed)
        batches = (sampler.batch(START_BATCH) for _ in range(START_BATCHES))
        return widened(model, latent, batches, filtered=self.settings.picture_filter > 0)

    def save(self, out: Path, trainer: Trainer, pixels: int) -> None:
        """Write a checkpoint."""
        assert isinstance(trainer.model, HyperpriorModel)
        save_checkpoint(out, trainer.model, trainer.average, pixels)

    def evaluate(self, checkpoint: Path, valid: Sequence[Path]) -> None:
        """Print rate and distortion of the averaged weights on pictures."""
        if self.leader:
            model, _ = load_checkpoint(checkpoint, average=True)
            points = range(0, model.config.points, EVALUATION_STEP)
            how = self.settings.distortion, self.settings.picture_filter > 0
            self.report(format_table(evaluate(model.to(self.device), list(iter_pictures(valid)), points, *how)))

    def export(self, checkpoint: Path, out: Path, name: str) -> None:
        """Write the averaged weights in runtime form, with what the fits measure; see :meth:`Session.export`."""
        if not self.leader:
            return
        model, pixels = load_checkpoint(checkpoint, average=True)
        distortion = self.settings.distortion
        measure = {"mse": "PSNR", "perceptual": "the eye"}[distortion]
        card = {
            "summary": f"compresses photographs, trained for {measure}",
            "distortion": distortion,
            "pixels": pixels,
            "minutes": round(self.minutes, 1),
        }
        weights = export_weights(model, name, card)
        for fit in self.fits:
            weights = fit.apply(weights, islice(iter_pictures(self.data), fit.needs))
        try:
            write_atomically(out, serialise_weights(weights))
        except OSError as error:
            raise AezError(f"{out}: cannot be written ({error.strerror})") from None
        self.report(f"{out}: {out.stat().st_size} bytes, fingerprint {weights.fingerprint.hex()}")
