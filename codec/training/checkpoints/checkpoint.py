"""Checkpoints: float32 weights, live and averaged, as safetensors files that are written whole or not at all."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor

from aez.bitstream.errors import ModelError
from aez.codec.model.registry import WEIGHTS_FORMAT
from aez.codec.model.weightfile import read_weights
from aez.codec.networks import HyperpriorModel, NetworkConfig
from aez.codec.networks.loading import training_model
from aez.codec.picture.files import write_atomically

CHECKPOINT_FORMAT = "aez-checkpoint-1"


def save_checkpoint(path: Path, model: HyperpriorModel, average: Mapping[str, Tensor], pixels: int) -> None:
    """Write the live weights, which training goes on from, and the averaged ones, which are evaluated and exported.

    Args:
        path: the file, replaced only once the new one is whole.
        model: the live model.
        average: averaged state dict, same keys.
        pixels: training pixels that the model has seen in all.
    """
    tensors = {f"live.{k}": v.detach().float().cpu().contiguous() for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v.detach().float().cpu().contiguous() for k, v in average.items()}
    metadata = {"format": CHECKPOINT_FORMAT, "config": json.dumps(asdict(model.config)), "pixels": str(pixels)}
    write_atomically(path, serialise(tensors, metadata))


def load_checkpoint(path: Path, *, average: bool) -> tuple[HyperpriorModel, int]:
    """Read a checkpoint or a weights file into a model for training.

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
            if metadata.get("format") == WEIGHTS_FORMAT:
                weights = read_weights(path)
                return training_model(weights), int(weights.card.get("pixels", 0))
            if metadata.get("format") != CHECKPOINT_FORMAT:
                raise ModelError(f"{path}: not a checkpoint of this program")
            prefix = "average." if average else "live."
            state = {k[len(prefix) :]: file.get_tensor(k) for k in file.keys() if k.startswith(prefix)}  # noqa: SIM118
            model = HyperpriorModel(NetworkConfig.from_dict(json.loads(metadata["config"])))
            model.load_state_dict(state)
            return model, int(metadata["pixels"])
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read as weights ({error})") from None


def averaged(model: HyperpriorModel) -> dict[str, Tensor]:
    """Return a detached float32 copy of the weights, to start an average from."""
    return {k: v.detach().clone().to(torch.float32) for k, v in model.state_dict().items()}
