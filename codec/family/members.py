"""Find the members of the family by name, and read and write their weights files.

This module does not import torch.
"""

import functools
import hashlib
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError
from aez.codec.model.registry import FAMILY_FOLDER, FAMILY_FORMAT

if TYPE_CHECKING:
    from aez.codec.family.base import FamilyModel

MODELS: dict[str, str] = {
    "sparse": "aez.codec.family.sparse:SparseAutoencoder",
    "sparse-l0": "aez.codec.family.sparse:HardConcreteAutoencoder",
    "vae": "aez.codec.family.vae:VariationalAutoencoder",
    "collapsed": "aez.codec.family.collapsed:CollapsedAutoencoder",
    "plain": "aez.codec.family.collapsed:PlainAutoencoder",
    "colouriser": "aez.codec.family.colouriser:Colouriser",
    "denoiser": "aez.codec.family.denoiser:Denoiser",
    "style": "aez.codec.family.style.model:Style",
}
"""Module and class of each member, by name."""
MAX_BYTES = 2**25
_MAX_SIZE = 4096


def family_class(name: str) -> "type[FamilyModel]":
    """Return the class of a member.

    Raises:
        ModelError: there is no member of that name.
    """
    if name not in MODELS:
        raise ModelError(f"{name}: no such model; there is {', '.join(MODELS)}")
    module, _, attribute = MODELS[name].partition(":")
    found: type[FamilyModel] = getattr(importlib.import_module(module), attribute)
    return found


def fingerprint_of(name: str, sizes: Mapping[str, int], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the fingerprint of a model: 6 bytes of SHA-256 over its name, its sizes and its tensors as stored.

    Files made with the model carry it.
    """
    digest = hashlib.sha256(json.dumps([name, dict(sizes)], sort_keys=True).encode())
    for key in sorted(tensors):
        digest.update(f"{key} torch.{tensors[key].dtype.name} {tensors[key].shape}".encode())
        digest.update(tensors[key].tobytes())
    return digest.digest()[:6]


def save_family(path: Path, model: "FamilyModel", card: Mapping[str, Any]) -> None:
    """Write the weights of a model with its sizes and training facts; large matrices are int8, the rest is float16.

    Raises:
        ModelError: a weight is not finite as float16.
        OSError: the file cannot be written.
    """
    from safetensors.numpy import save

    from aez.codec.model.eight_bits import rounded
    from aez.codec.picture.files import write_atomically

    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    for key, value in state.items():
        if value.is_floating_point() and not bool(value.half().isfinite().all()):
            raise ModelError(f"{key} is not finite as float16")
    stored = rounded({key: value.numpy() for key, value in state.items()})
    tensors = {key: v.astype(np.float16) if v.dtype == np.float32 else v for key, v in stored.items()}
    metadata = {
        "format": FAMILY_FORMAT,
        "name": model.NAME,
        "sizes": json.dumps(model.sizes),
        "fingerprint": fingerprint_of(model.NAME, model.sizes, tensors).hex(),
        "card": json.dumps({"summary": model.SUMMARY, **card}),
    }
    write_atomically(path, save(tensors, metadata))


def read_family(path: Path) -> "FamilyModel":
    """Read a weights file of the family as a float32 model on the CPU, in evaluation mode, with its fingerprint.

    Raises:
        ModelError: the file is missing, damaged or of another kind.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.numpy import load

    from aez.codec.model.eight_bits import restored
    from aez.codec.networks.blank import blank

    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: too large for a model")
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        if metadata["format"] != FAMILY_FORMAT:
            raise ModelError(f"{path}: not a weights file of the family")
        tensors, sizes = load(data), json.loads(metadata["sizes"])
        if not all(isinstance(v, int) and 0 <= v <= _MAX_SIZE for v in sizes.values()):
            raise ModelError(f"{path}: a size is out of range")
        fingerprint = fingerprint_of(metadata["name"], sizes, tensors)
        if fingerprint.hex() != metadata["fingerprint"]:
            raise ModelError(f"{path}: the fingerprint does not match the tensors: the file is damaged")
        with blank():
            model = family_class(metadata["name"])(**sizes)
        state = {key: torch.from_numpy(value) for key, value in restored(tensors).items()}
        model.load_state_dict(state, assign=True)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, RecursionError):
        raise ModelError(f"{path}: not a weights file of the family, or a damaged one") from None
    model.fingerprint = fingerprint
    return model.eval().requires_grad_(False)


@functools.lru_cache(maxsize=4)
def load_family(name: str, device: str = "cpu") -> "FamilyModel":
    """Load a packaged member of the family; the same arguments return the same object, which must not be changed.

    Raises:
        ModelError: the member is not in the package.
    """
    family_class(name)
    path = FAMILY_FOLDER / f"{name}.safetensors"
    if not path.is_file():
        raise ModelError(f"{name}: its weights are not in this package")
    return read_family(path).to(device)
