"""Weights files of the family: safetensors with the sizes of the networks (SPEC section 8)."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError
from aez.bitstream.header import FINGERPRINT_BYTES
from aez.codec.model.config import MAX_DEPTH
from aez.codec.model.finite import check_finite
from aez.codec.model.graphs import PREFIX
from aez.codec.model.registry import FAMILY_FORMAT
from aez.codec.model.tensor_file import read_tensors

MAX_BYTES = 2**25
_MAX_SIZE = 4096


@dataclass(frozen=True)
class FamilyWeights:
    """The contents of a weights file of the family.

    Attributes:
        name: name of the member.
        sizes: constructor arguments of its networks.
        tensors: all tensors of the file by name.
        card: summary and training facts, a flat JSON object.
    """

    name: str
    sizes: dict[str, int]
    tensors: dict[str, NDArray[Any]]
    card: dict[str, Any]

    @cached_property
    def own_tensors(self) -> dict[str, NDArray[Any]]:
        """The tensors without the graphs, which are made of them."""
        return {key: value for key, value in self.tensors.items() if not key.startswith(PREFIX)}

    @cached_property
    def fingerprint(self) -> bytes:
        """First 6 bytes of the SHA-256 of name, sizes and tensors as stored, without the graphs."""
        digest = hashlib.sha256(json.dumps([self.name, self.sizes], sort_keys=True).encode())
        for key, value in sorted(self.own_tensors.items()):
            digest.update(f"{key} torch.{value.dtype.name} {value.shape}".encode())
            digest.update(value.tobytes())
        return digest.digest()[:FINGERPRINT_BYTES]

    @property
    def has_graphs(self) -> bool:
        """True if the member has the graphs that the runtime without torch needs."""
        return len(self.own_tensors) < len(self.tensors)


def read_family_weights(path: Path) -> FamilyWeights:
    """Read a weights file of the family.

    Raises:
        ModelError: the file is missing, damaged, too large or of another kind.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError("too large for a model")
        return _parsed(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def _parsed(data: bytes) -> FamilyWeights:
    """Parse the bytes of a weights file; errors as :func:`read_family_weights`."""
    try:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        if metadata["format"] != FAMILY_FORMAT:
            raise ModelError("not a weights file of the family")
        sizes = dict(json.loads(metadata["sizes"]))
        largest = {key: MAX_DEPTH if "depth" in key else _MAX_SIZE for key in sizes}
        if not all(isinstance(v, int) and 0 <= v <= largest[key] for key, v in sizes.items()):
            raise ModelError("a size is out of range")
        weights = FamilyWeights(metadata["name"], sizes, read_tensors(data), dict(json.loads(metadata["card"])))
        if weights.fingerprint.hex() != metadata["fingerprint"]:
            raise ModelError("the fingerprint does not match the tensors: the file is damaged")
        check_finite(weights.tensors)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        raise ModelError("not a weights file of the family, or a damaged one") from None
    return weights


def serialise_family(weights: FamilyWeights) -> bytes:
    """Serialise a member to the bytes of a weights file."""
    metadata = {
        "format": FAMILY_FORMAT,
        "name": weights.name,
        "sizes": json.dumps(weights.sizes),
        "fingerprint": weights.fingerprint.hex(),
        "card": json.dumps(weights.card),
    }
    from safetensors.numpy import save  # which reading does not need

    return save({k: np.asarray(v, order="C") for k, v in weights.tensors.items()}, metadata)
