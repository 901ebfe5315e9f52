"""The weights file: safetensors with float16 networks, an integer scale path and integer tables (SPEC section 8)."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError
from aez.bitstream.header import FINGERPRINT_BYTES
from aez.bitstream.hyper import PHASES, HyperContext
from aez.bitstream.tables import TableSet
from aez.codec.model.config import NetworkConfig
from aez.codec.model.eight_bits import SHIFT, lengthened
from aez.codec.model.exact import ExactScales
from aez.codec.model.filter_weights import FILTER_MARGIN, weight_shape
from aez.codec.model.finite import check_finite
from aez.codec.model.graphs import PREFIX
from aez.codec.model.quality import QualityScale
from aez.codec.model.registry import WEIGHTS_FORMAT
from aez.codec.model.scales import LEVELS
from aez.codec.model.tensor_file import read_tensors

MAX_WEIGHTS_BYTES = 2**28
NEVER_CODED = -64
"""Offset that moves every table index below the first coded one."""
_DECODER_PREFIXES = ("synthesis.", "context.", "encoder_gain.", "decoder_gain.", "exact.", "tables.", "filter.")
FILTER_INPUTS = math.prod(weight_shape(3)[1:])
"""Number of filter weights per channel of a colour picture; see :mod:`aez.codec.model.filter_weights`."""
CONTEXT_TENSORS = ("tables.context_weight", "tables.context_level")
_EXACT = ("conv1", "bias1", "conv2", "bias2", "conv3", "linear", "bias3", "quality_bias")


@dataclass(frozen=True)
class Weights:
    """The contents of a weights file.

    Attributes:
        name: name of the model for `--model` and in `aez models`.
        config: sizes of the networks.
        tensors: all tensors of the file by name.
        card: training facts, a flat JSON object.
    """

    name: str
    config: NetworkConfig
    tensors: dict[str, NDArray[Any]]
    card: dict[str, Any]

    @cached_property
    def fingerprint(self) -> bytes:
        """First 6 bytes of the SHA-256 of the configuration and of all tensors that decoding reads."""
        read = {name: size for name, size in asdict(self.config).items() if name != "lambda_high"}
        digest = hashlib.sha256(json.dumps(read, sort_keys=True).encode())
        for name in sorted(self.tensors):
            if name.startswith(_DECODER_PREFIXES):
                tensor = self.tensors[name]
                digest.update(f"{name} torch.{tensor.dtype.name} {tensor.shape}".encode())
                digest.update(tensor.tobytes())
        return digest.digest()[:FINGERPRINT_BYTES]

    def without(self, prefix: str) -> "Weights":
        """Return the model without the tensors whose names start with ``prefix``."""
        return replace(self, tensors={name: t for name, t in self.tensors.items() if not name.startswith(prefix)})

    @cached_property
    def quality_scale(self) -> QualityScale:
        """The quality scale of the model."""
        return QualityScale(self.config.points, self.config.lambda_high, self.scores)

    @property
    def scores(self) -> tuple[float, ...]:
        """Mean SSIMULACRA 2 score of photographs at each quality point, from the card; empty if it was not measured.

        Only encoders use it.

        Raises:
            ModelError: they are no increasing numbers, one for each point.
        """
        found = self.card.get("scores", [])
        numbers = isinstance(found, list) and all(isinstance(x, int | float) and math.isfinite(x) for x in found)
        if not numbers or len(found) not in (0, self.config.points) or found != sorted(found):
            raise ModelError("the model's scores are damaged")
        return tuple(float(x) for x in found)

    @property
    def distortion(self) -> str:
        """Distortion for which the model was trained, ``mse`` or ``perceptual``; only encoders use it."""
        return str(self.card.get("distortion", "mse"))

    @property
    def has_filter(self) -> bool:
        """True if the model has weights of the picture filter."""
        return "filter.mean" in self.tensors

    @property
    def has_graphs(self) -> bool:
        """True if the model has the graphs that the runtime without torch needs."""
        return any(name.startswith(PREFIX) for name in self.tensors)

    @property
    def pixel_halo(self) -> int:
        """Halo of the synthesis and the picture filter around a window, in latents."""
        return self.config.synthesis_halo + (FILTER_MARGIN if self.has_filter else 0)

    @cached_property
    def residual_tables(self) -> TableSet:
        """Tables of r, one per step of the ladder of σ, with an escape."""
        tables = TableSet(*self._table_arrays("residual"), escape=True)
        if len(tables) != LEVELS:
            raise ModelError("the model does not have 64 residual tables")
        return tables

    @cached_property
    def hyper_tables(self) -> TableSet:
        """Tables of z, without an escape."""
        return TableSet(*self._table_arrays("hyper"), escape=False)

    def _table_arrays(self, kind: str) -> tuple[Any, Any]:
        return self.tensor(f"tables.{kind}_counts"), self.tensor(f"tables.{kind}_sizes")

    @property
    def first_coded(self) -> int:
        """Lowest table index that is coded, unless a tile names a lower one."""
        return int(self.tensor("tables.first_coded").item())

    @cached_property
    def context_tables(self) -> TableSet | None:
        """Tables of z given known neighbours, without an escape; None if the model has none."""
        if not any(name.startswith("tables.context_") for name in self.tensors):
            return None
        return TableSet(*self._table_arrays("context"), escape=False)

    def nearest_row(self, name: str, position: int) -> NDArray[Any]:
        """Return the row of a tensor for the quality point nearest to a position; it has one row per quality point.

        Raises:
            ModelError: the model lacks the tensor.
        """
        row: NDArray[Any] = self.tensor(name)[self.quality_scale.nearest_point(position)]
        return row

    @cached_property
    def exact(self) -> ExactScales:
        """The integer scale path, checked for the bound that makes it exact."""
        shifts = [int(s) for s in self.tensor("exact.shifts").tolist()]
        if len(shifts) != 4:
            raise ModelError("the model's exact path needs four shifts")
        parts = {name: self._integers(f"exact.{name}") for name in _EXACT}
        bound = int(self.hyper_tables.bounds.max())
        return ExactScales(**parts, shifts=tuple(shifts), hyper_bound=bound)  # type: ignore[arg-type]

    def _integers(self, name: str) -> NDArray[Any]:
        """Return a tensor of the exact path; what int8 and shifts hold is restored.

        Raises:
            ModelError: the model lacks the tensor, or shifts do not fit it.
        """
        value, shift = self.tensor(name), self.tensors.get(name + SHIFT)
        try:
            return value if shift is None else lengthened(value, shift)
        except ValueError as error:
            raise ModelError(f"the model's exact path is damaged ({error})") from None

    def tensor(self, name: str) -> NDArray[Any]:
        """Return a tensor of the file.

        Raises:
            ModelError: the model lacks the tensor.
        """
        try:
            return self.tensors[name]
        except KeyError:
            raise ModelError(f"the model lacks the tensor {name!r}") from None

    def quality_row(self, name: str, position: int) -> NDArray[np.float64]:
        """Interpolate linearly between the rows of a tensor, one per quality point, at a quality position.

        Raises:
            ModelError: the model lacks the tensor.
        """
        rows = self.tensor(name)
        point, share = self.quality_scale.between(position)
        below, above = rows[point : point + 2].astype(np.float64)
        out: NDArray[np.float64] = below * (1 - share) + above * share
        return out

    def validate(self) -> None:
        """Check all properties of the tensors that decoding relies on.

        Raises:
            ModelError: a shape, a table, an index or the exact path's bound is wrong, or a tensor is not finite.
        """
        config, exact = self.config, self.exact
        index = self.tensor("tables.hyper_index")
        if tuple(index.shape) != (config.points, config.hyper) or index.dtype != np.uint8:
            raise ModelError("the model's hyper-latent table index has the wrong shape")
        if self.tensor("tables.first_coded").size != 1:
            raise ModelError("the model's first coded table is not one number")
        if int(index.max()) >= len(self.hyper_tables) or not 0 <= self.first_coded <= LEVELS:
            raise ModelError("the model names a table that it does not have")
        if exact.conv1.shape[1] != config.hyper or exact.quality_bias.shape != (config.points, config.latent):
            raise ModelError("the model's exact path does not fit its configuration")
        _ = self.residual_tables, self.scores
        check_finite(self.tensors)
        self._validate_context()
        self._validate_grey()
        self._validate_filter()

    def _validate_context(self) -> None:
        """Check the optional context of z: all tensors are present or none, and the tables cover every value."""
        tables = self.context_tables
        if tables is None:
            return
        for name, dtype in zip(CONTEXT_TENSORS, (np.int16, np.uint8), strict=True):
            tensor = self.tensor(name)
            if tuple(tensor.shape) != (self.config.points, 2, self.config.hyper) or tensor.dtype != dtype:
                raise ModelError("the model's context of z has the wrong shape")
        rungs = len(tables) // PHASES
        if len(tables) % PHASES or int(self.tensor("tables.context_level").max()) >= rungs:
            raise ModelError("the model names a table that it does not have")
        reach = tables.bounds.reshape(PHASES, rungs).min(0)
        for point in range(self.config.points):
            weights, levels = (self.tensor(name)[point].astype(np.int32) for name in CONTEXT_TENSORS)
            bounds = self.hyper_tables.bounds[self.tensor("tables.hyper_index")[point]]
            if (HyperContext(weights, levels, tables).reach(bounds) > reach[levels]).any():
                raise ModelError("the model's context of z names tables that are too short")

    def _validate_filter(self) -> None:
        """Check the optional weights of the picture filter: both tensors are present or neither."""
        shapes = {"filter.mean": 3 * FILTER_INPUTS, "filter.step": FILTER_INPUTS}
        if not any(name in self.tensors for name in shapes):
            return
        for name, width in shapes.items():
            tensor = self.tensor(name)
            if tuple(tensor.shape) != (self.config.points, width) or tensor.dtype != np.float16:
                raise ModelError("the model's picture filter has the wrong shape")

    def _validate_grey(self) -> None:
        """Check the optional tables for grey pictures: all or none, with ẑ within the bound of the exact path."""
        shapes = {
            "tables.grey_offset": ((self.config.points, self.config.latent), np.int8),
            "tables.grey_hyper_index": ((self.config.points, self.config.hyper), np.uint8),
            "tables.grey_hyper_mean": ((self.config.points, self.config.hyper), np.int16),
        }
        if not any(name in self.tensors for name in shapes):
            return
        for name, (shape, dtype) in shapes.items():
            if tuple(self.tensor(name).shape) != shape or self.tensor(name).dtype != dtype:
                raise ModelError("the model's tables for grey pictures have the wrong shape")
        index, mean = self.tensors["tables.grey_hyper_index"], self.tensors["tables.grey_hyper_mean"].astype(np.int64)
        if int(index.max()) >= len(self.hyper_tables):
            raise ModelError("the model names a table that it does not have")
        if int((np.abs(mean) + self.hyper_tables.bounds[index]).max()) > self.exact.hyper_bound:
            raise ModelError("the model's tables for grey pictures reach beyond what the exact path holds for")


def read_weights(path: Path) -> Weights:
    """Read and validate a weights file.

    Raises:
        ModelError: the file is missing, damaged, too large, or breaks a rule of the format.
    """
    try:
        if path.stat().st_size > MAX_WEIGHTS_BYTES:
            raise ModelError(f"{path}: too large for a model")
        return parse_weights(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def parse_weights(data: bytes) -> Weights:
    """Parse the bytes of a weights file; see :func:`read_weights`."""
    try:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        if metadata.get("format") != WEIGHTS_FORMAT:
            raise ModelError("not a weights file of this program")
        config = NetworkConfig.from_dict(json.loads(metadata["config"]))
        weights = Weights(str(metadata["name"]), config, read_tensors(data), dict(json.loads(metadata["card"])))
        if weights.fingerprint.hex() != metadata["fingerprint"]:
            raise ModelError("the fingerprint does not match the tensors: the file is damaged")
    except (KeyError, ValueError, AttributeError, TypeError, RecursionError, OverflowError):
        raise ModelError("not a weights file, or a damaged one") from None
    try:
        weights.validate()
    # What NumPy raises for tensors of other shapes and types than the checks expect, which have no end.
    except (ValueError, TypeError, IndexError, OverflowError, RuntimeError):
        raise ModelError("the model's tensors are damaged") from None
    return weights


def serialise_weights(weights: Weights) -> bytes:
    """Serialise a model to the bytes of a weights file."""
    metadata = {
        "format": WEIGHTS_FORMAT,
        "name": weights.name,
        "fingerprint": weights.fingerprint.hex(),
        "config": json.dumps(asdict(weights.config)),
        "card": json.dumps(weights.card),
    }
    from safetensors.numpy import save  # which reading does not need

    return save({k: np.asarray(v, order="C") for k, v in weights.tensors.items()}, metadata)
