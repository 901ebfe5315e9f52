"""Find the members of the family by name, and load them.

This module does not import torch.
"""

import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aez.bitstream.errors import ModelError
from aez.codec.family.weightfile import read_family_weights
from aez.codec.model.registry import FAMILY_FOLDER
from aez.codec.runtime.choice import require_torch

if TYPE_CHECKING:
    from aez.codec.family.base import FamilyModel


@dataclass(frozen=True)
class CodeGrid:
    """The grid of a member's code on a picture.

    Attributes:
        stride: side, in pixels, of the area that a position of the code represents.
        halo: positions around a window on which its code and its pixels depend.
    """

    stride: int
    halo: int


@dataclass(frozen=True)
class Member:
    """A member without its network.

    Attributes:
        place: module and class of its network.
        grid: grid of its code; None if it does not compress.
    """

    place: str
    grid: CodeGrid | None = None


MODELS: dict[str, Member] = {
    "sparse": Member("aez.codec.family.sparse:SparseAutoencoder", CodeGrid(16, 3)),
    "sparse-l0": Member("aez.codec.family.sparse:HardConcreteAutoencoder", CodeGrid(16, 3)),
    "vae": Member("aez.codec.family.vae:VariationalAutoencoder", CodeGrid(64, 0)),
    "collapsed": Member("aez.codec.family.collapsed:CollapsedAutoencoder"),
    "plain": Member("aez.codec.family.collapsed:PlainAutoencoder"),
    "colouriser": Member("aez.codec.family.colouriser:Colouriser"),
    "denoiser": Member("aez.codec.family.denoiser:Denoiser"),
    "style": Member("aez.codec.family.style.model:Style"),
}
"""The members by name."""


def find_member(name: str) -> Member:
    """Return what is known of a member.

    Raises:
        ModelError: there is no member of that name.
    """
    if name not in MODELS:
        raise ModelError(f"{name}: no such model; there is {', '.join(MODELS)}")
    return MODELS[name]


def family_class(name: str) -> "type[FamilyModel]":
    """Return the class of a member's network.

    Raises:
        ModelError: there is no member of that name.
        AezError: torch is not installed.
    """
    module, _, attribute = find_member(name).place.partition(":")
    require_torch(f"the model {name}")
    found: type[FamilyModel] = getattr(importlib.import_module(module), attribute)
    return found


def read_family(path: Path) -> "FamilyModel":
    """Read a weights file of the family as a float32 model on the CPU, in evaluation mode, with its fingerprint.

    Raises:
        ModelError: the file is missing, damaged or of another kind.
        AezError: torch is not installed.
    """
    weights = read_family_weights(path)
    require_torch(f"the model {weights.name}")
    from aez.codec.family.loading import family_model

    try:
        return family_model(weights)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


@functools.lru_cache(maxsize=4)
def load_family(name: str, device: str = "cpu") -> "FamilyModel":
    """Load a packaged member of the family; the same arguments return the same object, which must not be changed.

    Raises:
        ModelError: the member is not in the package.
        AezError: torch is not installed.
    """
    find_member(name)
    path = FAMILY_FOLDER / f"{name}.safetensors"
    if not path.is_file():
        raise ModelError(f"{name}: its weights are not in this package")
    return read_family(path).to(device)
