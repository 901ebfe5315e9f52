"""Columns of pictures to columns of files and back: for `map_batches` of Ray Data, `map` of Hugging Face datasets, …

A batch is a dict of columns of equal length. A row that cannot be done has an empty result and a text in ``error``
(which is empty elsewhere); the rest goes on. Instances are sent to workers as they are and load the model there::

    ray.data.read_binary_files("s3://bucket/in").map_batches(EncodeBatch(60), batch_size=16)
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aez.bitstream.errors import AezError
from aez.bitstream.limits import Limits
from aez.codec.model.registry import DEFAULT_MODEL

Batch = Mapping[str, Any]


def _column(values: Sequence[bytes]) -> Any:
    """An object array: a numpy array of bytes would cut zeros off their ends."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


class EncodeBatch:
    """Adds a column of `.aez` files, ``aez``, made of a column of picture files of any format that Pillow reads."""

    def __init__(
        self, quality: float = 50.0, *, column: str = "bytes", model: str = DEFAULT_MODEL, device: str = "cpu"
    ) -> None:
        """Settings; the model is loaded by the first call in each process.

        Args:
            quality: 1 … 100.
            column: name of the column of picture files, as bytes.
            model: a packaged model's name or a weights file's path.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        """
        self.quality, self.column, self.model, self.device = quality, column, model, device

    def __call__(self, batch: Batch) -> dict[str, Any]:
        """The batch with ``aez`` (bytes) and ``error`` (str) added.

        Raises:
            KeyError: the batch lacks the column.
            ModelError: there is no such model.
            ValueError: the quality is out of range.
        """
        from aez.codec.api import load
        from aez.codec.picture.reading import read_picture

        codec = load(self.model, self.device)
        codec.quality_scale.position_of(self.quality)
        files, errors = [], []
        for data in batch[self.column]:
            try:
                picture = read_picture(io.BytesIO(data))
                for warning in picture.warnings:
                    warnings.warn(warning, stacklevel=2)
                files.append(codec.encode(picture, self.quality))
                errors.append("")
            except AezError as error:
                files.append(b"")
                errors.append(str(error))
        return {**batch, "aez": _column(files), "error": np.array(errors, dtype=object)}


class DecodeBatch:
    """Adds a column of pictures, ``image``, made of a column of `.aez` files."""

    def __init__(
        self, *, column: str = "aez", model: str | None = None, device: str = "cpu", limits: Limits | None = None
    ) -> None:
        """Settings; models are loaded by the first calls in each process.

        Args:
            column: name of the column of `.aez` files, as bytes.
            model: weights to use; None for the packaged model that each file names.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            limits: what a file may ask for.
        """
        self.column, self.model, self.device, self.limits = column, model, device, limits

    def __call__(self, batch: Batch) -> dict[str, Any]:
        """The batch with ``image`` ((H, W, 3) uint8, or (0, 0, 3)) and ``error`` (str) added.

        Raises:
            KeyError: the batch lacks the column.
        """
        from aez.codec.api import decode_array

        images, errors = np.empty(len(batch[self.column]), dtype=object), []
        for i, data in enumerate(batch[self.column]):
            try:
                images[i] = decode_array(bytes(data), model=self.model, device=self.device, limits=self.limits)
                errors.append("")
            except AezError as error:
                images[i] = np.empty((0, 0, 3), np.uint8)
                errors.append(str(error))
        return {**batch, "image": images, "error": np.array(errors, dtype=object)}
