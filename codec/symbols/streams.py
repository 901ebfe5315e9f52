"""Code symbols as the streams of a file, and decode them: z whole, r tile by tile."""

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Container, FormatError, Header, ModelError
from aez.bitstream.entropy import decode_residual, encode_residual
from aez.bitstream.errors import NEWER
from aez.bitstream.runs import NOT_CODED
from aez.codec.geometry.grid import CELL, Grid
from aez.codec.geometry.windows import Window
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.weightfile import Weights
from aez.codec.symbols.symbols import Symbols
from aez.codec.symbols.tiles import TileResiduals

LAYOUT = 0
"""The latent layout of the streams here (SPEC section 5)."""


class StreamWriter:
    """Codes the symbols of a picture as they come, in bands from top to bottom; a tile as soon as it is complete."""

    def __init__(self, point: OperatingPoint, header: Header) -> None:
        """Begin a file."""
        self._point = point
        self._rows = [list(tiles) for _, tiles in groupby(header.tiles(), key=lambda tile: tile[0].start)]
        self._z: list[NDArray[np.int16]] = []
        self._pending: list[Symbols] = []
        self._top = 0  # rows of latents already coded
        self.tiles: list[bytes] = []

    def add(self, band: Symbols) -> None:
        """Add the next band."""
        self._z.append(band.z)
        self._pending.append(band)
        while self._rows and self._top + sum(part.r.shape[1] for part in self._pending) >= self._rows[0][0][0].stop:
            self._code_row(self._rows.pop(0))

    def _code_row(self, tiles: Sequence[tuple[slice, slice]]) -> None:
        weights = self._point.weights
        height = tiles[0][0].stop - tiles[0][0].start
        r = np.concatenate([part.r for part in self._pending], 1) if len(self._pending) > 1 else self._pending[0].r
        indices = np.concatenate([part.indices for part in self._pending], 1)
        for _, cols in tiles:
            part = r[:, :height, cols], indices[:, :height, cols]
            self.tiles.append(encode_residual(*part, weights.residual_tables, weights.first_coded))
        self._top += height
        self._pending = [Symbols(self._z[-1], indices[:, height:], r[:, height:])]

    def hyper(self) -> bytes:
        """Code z, once all bands are there."""
        return self._point.hyper_coder.encode(np.concatenate(self._z, 1))


class StreamReader:
    """Decodes the symbols of a file.

    Attributes:
        container: the file; tiles that are not needed may be empty.
        header: of the file.
        grid: geometry of the picture.
        point: the model at the picture's quality.
    """

    def __init__(self, container: Container, weights: Weights) -> None:
        """Take a file that :func:`check_model` has accepted."""
        self.container, self.header = container, container.header
        self.grid = Grid.of(self.header)
        self.point = OperatingPoint(weights, self.header.quality, self.header.grey)

    @cached_property
    def z(self) -> NDArray[np.int16]:
        """(Z, rows, columns) int16.

        Raises:
            FormatError: the stream is damaged.
        """
        if self.container.whole:
            shape = self.point.weights.config.hyper, *self.header.hyper_shape
            return np.zeros(shape, np.int16)
        return self.point.hyper_coder.decode(self.container.hyper, self.header.hyper_shape)

    def pixel_filter(self) -> NDArray[np.float32] | None:
        """Decode the weights of the picture filter; None if the file has none.

        Raises:
            FormatError: they are damaged.
        """
        if self.container.filter is None or self.point.filter is None:
            return None
        return self.point.filter.parse(self.container.filter)

    @cached_property
    def areas(self) -> list[tuple[slice, slice]]:
        """Rows and columns of latents of every tile."""
        return self.header.tiles()

    def tile(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
        """Decode the tables (or ``NOT_CODED``) and r of one tile, (M, rows, columns) each.

        Raises:
            FormatError: the stream is damaged.
        """
        rows, cols = self.areas[number]
        if self.container.whole:
            shape = self.point.weights.config.latent, rows.stop - rows.start, cols.stop - cols.start
            return np.full(shape, NOT_CODED, np.uint8), np.zeros(shape, np.int16)
        cells = Window(rows.start, rows.stop, cols.start, cols.stop).coarser(CELL)
        indices, weights = self.point.indices(self.z, self.grid, cells), self.point.weights
        stream = self.container.tiles[number]
        r, tables = decode_residual(stream, indices, weights.residual_tables, weights.first_coded)
        return tables, r

    def residuals(self) -> TileResiduals:
        """Return a source of r that decodes tiles when windows need them."""
        channels = self.point.weights.config.latent
        return TileResiduals(self.areas, channels, lambda number: self.tile(number)[1])

    def symbols(self) -> Symbols:
        """Decode all symbols.

        Raises:
            FormatError: a stream is damaged.
        """
        z = self.z  # which is refused if it is too short, before memory is taken for r
        shape = self.point.weights.config.latent, *self.header.latent_shape
        indices, r = np.zeros(shape, np.uint8), np.zeros(shape, np.int16)
        for number, (rows, cols) in enumerate(self.areas):
            indices[:, rows, cols], r[:, rows, cols] = self.tile(number)
        return Symbols(z, indices, r)


def check_model(header: Header, weights: Weights) -> None:
    """Refuse a file that was made with another model, or of a kind that this version does not decode.

    Raises:
        ModelError, FormatError: it is one.
    """
    if header.fingerprint != weights.fingerprint:
        raise ModelError(
            f"made with another model (fingerprint {header.fingerprint.hex()}; "
            f"{weights.name!r} is {weights.fingerprint.hex()})"
        )
    if header.layout != LAYOUT:
        raise FormatError(f"latent layout {header.layout} is not known to this decoder for this model; {NEWER}")
    if header.quality > weights.quality_scale.last:
        raise FormatError(f"quality position {header.quality} is beyond the model's")
