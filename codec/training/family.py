"""Training of a member of the autoencoder family."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor, nn

from aez.bitstream.errors import AezError, ModelError
from aez.codec.family.base import FamilyModel
from aez.codec.family.loading import family_weights
from aez.codec.family.members import family_class, read_family
from aez.codec.family.weightfile import serialise_family
from aez.codec.networks.blocks import DepthConvBlock
from aez.codec.picture.files import write_atomically
from aez.codec.training.data import CropSampler, iter_pictures
from aez.codec.training.graphs import with_family_graphs
from aez.codec.training.loop import Trainer
from aez.codec.training.session import Session
from aez.codec.training.settings import Settings

CHECKPOINT_FORMAT = "aez-family-checkpoint-1"


class FamilyObjective(nn.Module):
    """The loss that the model itself defines."""

    def __init__(self, model: FamilyModel) -> None:
        """Hold ``model``."""
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, _symbols: str) -> Tensor:
        """Return the mean loss of crops (N, 3, S, S), RGB / 255 − 1/2."""
        return self.model.loss(x)["loss"]


def family_trainer(model: FamilyModel, pictures: Sequence[Tensor], settings: Settings, device: torch.device) -> Trainer:
    """Make a trainer; arguments and errors are those of :class:`Trainer`."""
    blocks = [m for m in model.modules() if isinstance(m, DepthConvBlock)] if model.LOW_PRECISION else []
    return Trainer(model, FamilyObjective(model), pictures, settings, device, blocks)


def save_family_checkpoint(path: Path, model: FamilyModel, average: Mapping[str, Tensor], pixels: int) -> None:
    """Write live and averaged weights in float32; ``path`` is replaced once the new file is whole."""
    tensors = {f"live.{k}": v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v.detach().cpu().contiguous() for k, v in average.items()}
    metadata = {
        "format": CHECKPOINT_FORMAT,
        "name": model.NAME,
        "sizes": json.dumps(model.sizes),
        "pixels": str(pixels),
    }
    write_atomically(path, serialise(tensors, metadata))


def save_family(path: Path, model: FamilyModel, card: Mapping[str, Any]) -> None:
    """Write a weights file of a model, with its training facts, and with graphs if it compresses.

    Raises:
        ModelError: a weight is not finite as float16.
        OSError: the file cannot be written.
    """
    write_atomically(path, serialise_family(with_family_graphs(family_weights(model, card))))


def load_family_checkpoint(path: Path, *, average: bool) -> tuple[FamilyModel, int]:
    """Read a checkpoint or a weights file of the family into a model for training.

    Args:
        path: checkpoint or weights file.
        average: take the averaged weights of a checkpoint, not the live ones.

    Returns:
        The model (float32) and the number of training pixels it has seen.

    Raises:
        ModelError: the file is missing, damaged or of another kind.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != CHECKPOINT_FORMAT:
                model = read_family(path).requires_grad_(True)
                return model, int(json.loads(metadata["card"]).get("pixels", 0))
            prefix = "average." if average else "live."
            state = {k[len(prefix) :]: file.get_tensor(k) for k in file.keys() if k.startswith(prefix)}  # noqa: SIM118
        model = family_class(metadata["name"])(**json.loads(metadata["sizes"]))
        model.load_state_dict(state)
        return model, int(metadata["pixels"])
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: cannot be read as weights of the family ({error})") from None


class FamilySession(Session):
    """A run of `aez train` that trains and exports a member of the family."""

    def __init__(self, data: Sequence[Path], settings: Settings, **options: Any) -> None:
        """As :class:`Session`."""
        super().__init__(data, settings, **options)
        self.kind = family_class(settings.model)

    def prepare(self, pictures: Sequence[Tensor]) -> tuple[Trainer, int]:
        """Resume, or start a new model.

        Raises:
            ModelError: the file to resume from holds another member.
        """
        if self.resume:
            model, seen = load_family_checkpoint(self.resume, average=False)
            if type(model) is not self.kind:
                raise ModelError(f"{self.resume}: weights of the model {model.NAME}, not {self.kind.NAME}")
        else:
            torch.manual_seed(self.settings.seed)
            model, seen = self.kind(), 0
            model.start()
        return family_trainer(model, pictures, self.settings, self.device), seen

    def save(self, out: Path, trainer: Trainer, pixels: int) -> None:
        """Write a checkpoint."""
        assert isinstance(trainer.model, FamilyModel)
        save_family_checkpoint(out, trainer.model, trainer.average, pixels)

    def export(self, checkpoint: Path, out: Path, name: str) -> None:
        """Measure the model's tables on training crops and write the averaged weights; see :meth:`Session.export`.

        A weights file of the family always has the name of its class, so ``name`` is not used.
        """
        if not self.leader:
            return
        model, pixels = load_family_checkpoint(checkpoint, average=True)
        sampler = CropSampler(list(iter_pictures(self.data)), self.settings.crop, self.settings.seed + 1)
        with torch.inference_mode():
            model.eval().finish(lambda: sampler.batch(self.settings.batch))
        try:
            save_family(out, model, {"pixels": pixels})
        except OSError as error:
            raise AezError(f"{out}: cannot be written ({error.strerror})") from None
        self.report(f"{out}: {out.stat().st_size} bytes")
