"""Training the flagship: what one step minimises, and the session around it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from aez.codec.networks.ms_ssim import SMALLEST_SIDE
from aez.codec.picture.files import write_atomically
from aez.codec.training.checkpoint import load_checkpoint, save_checkpoint
from aez.codec.training.data import CropSampler, iter_pictures
from aez.codec.training.evaluate import evaluate, format_table
from aez.codec.training.export import export_weights
from aez.codec.training.fits.copula import PICTURES as COPULA_PICTURES
from aez.codec.training.fits.copula import with_copulas
from aez.codec.training.fits.grey import PICTURES, with_grey_tables
from aez.codec.training.fits.hyper_context import PICTURES as CONTEXT_PICTURES
from aez.codec.training.fits.hyper_context import with_hyper_context
from aez.codec.training.fits.picture_filter import PICTURES as FILTER_PICTURES
from aez.codec.training.fits.picture_filter import with_picture_filter
from aez.codec.training.fits.residual_tables import PICTURES as TABLE_PICTURES
from aez.codec.training.fits.residual_tables import with_residual_tables
from aez.codec.training.grow import grown
from aez.codec.training.loop import Schedule, Trainer
from aez.codec.training.objective import LAMBDA_NORMALISATION, RateDistortion
from aez.codec.training.session import Session
from aez.codec.training.start import start_from_data

START_BATCHES, START_BATCH = 24, 16
DRAWN_SHARE, PARTIAL_SHARE = 0.06, 0.4
"""Of crops and batches, see :class:`CropSampler`."""
SMALLEST_PARTIAL = SMALLEST_SIDE + (CELL - 1) * LATENT_STRIDE
"""MS-SSIM needs crops of at least this side for partial batches."""
EVALUATION_STEP = 3


class FlagshipObjective(nn.Module):
    """Rate and distortion at a quality drawn for every crop."""

    def __init__(
        self, model: HyperpriorModel, distortion: str, normalisation: float, picture_filter: bool = False
    ) -> None:
        """Arguments and errors are those of :class:`RateDistortion`."""
        super().__init__()
        self.rate_distortion = RateDistortion(model, distortion, normalisation, picture_filter)
        self.points = model.config.points

    def forward(self, x: Tensor, symbols: str) -> Tensor:
        """Crops (N, 3, S, S), RGB / 255 − 1/2, to the mean loss; ``symbols``: one of ``SYMBOLS``."""
        loss: Tensor = self.rate_distortion(x, drawn_positions(len(x), self.points, x.device), symbols)
        return loss


def drawn_positions(count: int, points: int, device: torch.device) -> Tensor:
    """Quality points for so many crops, (count,): one in each of as many equal parts of the range.

    Crops come in no order, so each has every quality alike; together the qualities vary less than independent ones.
    """
    return (torch.arange(count, device=device) + torch.rand(count, device=device)) / count * (points - 1)


def flagship_trainer(
    model: HyperpriorModel,
    pictures: Sequence[Tensor],
    schedule: Schedule,
    device: torch.device,
    distortion: str = "mse",
    normalisation: float = LAMBDA_NORMALISATION,
    picture_filter: bool = False,
) -> Trainer:
    """A trainer of the flagship; arguments and errors are those of :class:`Trainer` and :class:`RateDistortion`."""
    synthesis = model.synthesis
    blocks = [*model.analysis.blocks, *synthesis.blocks16, *synthesis.blocks8, *synthesis.blocks4]
    objective = FlagshipObjective(model, distortion, normalisation, picture_filter)
    partial = PARTIAL_SHARE if distortion == "mse" or schedule.crop >= SMALLEST_PARTIAL else 0.0
    schedule = replace(schedule, drawn=DRAWN_SHARE, partial=partial)
    return Trainer(model, objective, pictures, schedule, device, blocks)


class FlagshipSession(Session):
    """Trains, evaluates and exports a :class:`HyperpriorModel`."""

    def __init__(
        self,
        *arguments: Any,
        grow: Mapping[str, int] | None = None,
        only: Sequence[str] = (),
        distortion: str = "mse",
        normalisation: float = LAMBDA_NORMALISATION,
        picture_filter: bool = False,
        **options: Any,
    ) -> None:
        """As :class:`Session`.

        Args:
            arguments: those of :class:`Session`.
            grow: stacks of the resumed model to deepen.
            only: what names of parameters to train start with; all are trained if it is empty.
            distortion: what is minimised beside the rate.
            normalisation: see :class:`RateDistortion`.
            picture_filter: see the same.
            options: those of :class:`Session`.
        """
        super().__init__(*arguments, **options)
        self.grow, self.only = grow or {}, tuple(only)
        self.distortion, self.normalisation, self.picture_filter = distortion, normalisation, picture_filter

    def prepare(self, pictures: Sequence[Tensor]) -> tuple[Trainer, int]:
        """Resume, or start a new model from the pictures."""
        if self.resume:
            model, seen = load_checkpoint(self.resume, average=False)
            model = grown(model, self.grow) if self.grow else model
        else:
            model, seen = HyperpriorModel(), 0
            sampler = CropSampler(pictures, self.schedule.crop, self.schedule.seed)
            start_from_data(model, (sampler.batch(START_BATCH) for _ in range(START_BATCHES)))
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not self.only or name.startswith(self.only))
        if not any(p.requires_grad for p in model.parameters()):
            raise AezError(f"no parameter of the model starts with {' or '.join(self.only)}")
        how = self.distortion, self.normalisation, self.picture_filter
        return flagship_trainer(model, pictures, self.schedule, self.device, *how), seen

    def save(self, out: Path, trainer: Trainer, pixels: int) -> None:
        """Write a checkpoint."""
        assert isinstance(trainer.model, HyperpriorModel)
        save_checkpoint(out, trainer.model, trainer.average, pixels)

    def evaluate(self, checkpoint: Path, valid: Sequence[Path]) -> None:
        """Print the table of the averaged weights on pictures."""
        if self.leader:
            model, _ = load_checkpoint(checkpoint, average=True)
            points = range(0, model.config.points, EVALUATION_STEP)
            how = self.distortion, self.picture_filter
            self.report(format_table(evaluate(model.to(self.device), list(iter_pictures(valid)), points, *how)))

    def export(self, checkpoint: Path, out: Path, name: str) -> None:
        """Write the averaged weights in runtime form, every bound verified.

        Raises:
            AezError: the model breaks a bound, or ``out`` cannot be written.
        """
        if not self.leader:
            return
        model, pixels = load_checkpoint(checkpoint, average=True)
        measure = {"mse": "PSNR", "ms-ssim": "MS-SSIM"}[self.distortion]
        card = {
            "summary": f"compresses photographs, trained for {measure}",
            "distortion": self.distortion,
            "pixels": pixels,
            "minutes": round(self.minutes, 1),
        }
        weights = export_weights(model, name, card)
        weights = with_hyper_context(weights, islice(iter_pictures(self.data), CONTEXT_PICTURES))
        weights = with_residual_tables(weights, islice(iter_pictures(self.data), TABLE_PICTURES))
        weights = with_picture_filter(weights, islice(iter_pictures(self.data), FILTER_PICTURES))
        weights = with_grey_tables(weights, islice(iter_pictures(self.data), PICTURES))
        weights = with_copulas(weights, islice(iter_pictures(self.data), COPULA_PICTURES))
        try:
            write_atomically(out, serialise_weights(weights))
        except OSError as error:
            raise AezError(f"{out}: cannot be written ({error.strerror})") from None
        self.report(f"{out}: {out.stat().st_size} bytes, fingerprint {weights.fingerprint.hex()}")
