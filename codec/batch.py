"""Encode columns of picture files to columns of `.aez` files and decode them.

The classes are for `map_batches` of Ray Data, `map` of Hugging Face datasets and similar functions. A batch is a dict
of columns of equal length. If a row fails, its result is empty and ``error`` holds a message; the other rows are not
affected, and their ``error`` is empty. Instances are pickled to workers and load the model there::

    ray.data.read_binary_files("s3://bucket/in").map_batches(EncodeBatch(60), batch_size=16)
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aez.bitstream.errors import AezError
from aez.bitstream.limits import Limits
from aez.codec.model.registry import DEFAULT_MODEL
from aez.codec.options import EncodeOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from aez.codec.options import EncodeSettings

Batch = Mapping[str, Any]


def _column(values: Sequence[bytes]) -> Any:
    """Return an object array: a numpy array of bytes would strip trailing zero bytes."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


class EncodeBatch:
    """Callable that encodes a column of picture files of any format that Pillow reads as a column ``aez``."""

    def __init__(
        self,
        quality: float | None = None,
        *,
        column: str = "bytes",
        model: str = DEFAULT_MODEL,
        device: str = "cpu",
        **settings: Unpack[EncodeSettings],
    ) -> None:
        """Store the settings; the first call in each process loads the model.

        Args:
            quality: 1 … 100.
            column: name of the column with picture files, as bytes.
            model: name of a packaged model, or path of a weights file.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            settings: the other fields of :class:`aez.codec.options.EncodeOptions`.

        Raises:
            ValueError, TypeError: an option is out of range or of the wrong type.
        """
        self.options = EncodeOptions.of(quality, **settings)
        self.column, self.model, self.device = column, model, device

    def __call__(self, batch: Batch) -> dict[str, Any]:
        """Return the batch with the columns ``aez`` (bytes) and ``error`` (str) added.

        Raises:
            KeyError: the batch lacks the column.
            ModelError: there is no such model.
        """
        from aez.codec.api import load
        from aez.codec.picture.reading import read_picture

        codec = load(self.model, self.device)
        files, errors = [], []
        for data in batch[self.column]:
            try:
                picture = read_picture(io.BytesIO(data))
                for warning in picture.warnings:
                    warnings.warn(warning, stacklevel=2)
                files.append(codec.encode_with(picture, self.options))
                errors.append("")
            except AezError as error:
                files.append(b"")
                errors.append(str(error))
        return {**batch, "aez": _column(files), "error": np.array(errors, dtype=object)}


class DecodeBatch:
    """Callable that decodes a column of `.aez` files to a column of pictures, ``image``."""

    def __init__(
        self, *, column: str = "aez", model: str | None = None, device: str = "cpu", limits: Limits | None = None
    ) -> None:
        """Store the settings; the first calls in each process load the models.

        Args:
            column: name of the column with `.aez` files, as bytes.
            model: weights for all files; None for the packaged model that each file names.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            limits: limits on what a file may ask for.
        """
        self.column, self.model, self.device, self.limits = column, model, device, limits

    def __call__(self, batch: Batch) -> dict[str, Any]:
        """Return the batch with the columns ``image`` and ``error`` (str) added.

        An image is as :func:`aez.codec.decode_array` gives it, or (0, 0, 3) uint8 if there is an error.

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
