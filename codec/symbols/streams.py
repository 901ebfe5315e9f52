"""Symbols to the streams of a file and back: z whole, r tile by tile."""

from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from aez.bitstream import Container, FormatError, Header, ModelError
from aez.bitstream.entropy import decode_residual, encode_residual
from aez.codec.model.filter_weights import FilterWeights
from aez.codec.model.weightfile import Weights
from aez.codec.networks.quality import POSITION_SCALE
from aez.codec.runtime.engine import Engine
from aez.codec.symbols.symbols import Symbols
from aez.codec.symbols.tiles import TileResiduals
from aez.codec.symbols.windows import CELL, Window


class StreamWriter:
    """Codes the symbols of a picture as they come, in bands from top to bottom; a tile as soon as it is complete."""

    def __init__(self, weights: Weights, header: Header) -> None:
        """Nothing is coded yet."""
        self._weights = weights
        self._position, self._grey = header.quality, header.grey
        self._rows = [list(tiles) for _, tiles in groupby(header.tiles(), key=lambda tile: tile[0].start)]
        self._z: list[NDArray[np.int16]] = []
        self._pending: list[Symbols] = []
        self._top = 0  # rows of latents already coded
        self.tiles: list[bytes] = []

    def add(self, band: Symbols) -> None:
        """The next band."""
        self._z.append(band.z)
        self._pending.append(band)
        while self._rows and self._top + sum(part.r.shape[1] for part in self._pending) >= self._rows[0][0][0].stop:
            self._code_row(self._rows.pop(0))

    def _code_row(self, tiles: list[tuple[slice, slice]]) -> None:
        tables, first = self._weights.residual_tables, self._weights.first_coded
        height = tiles[0][0].stop - tiles[0][0].start
        r = np.concatenate([part.r for part in self._pending], 1) if len(self._pending) > 1 else self._pending[0].r
        indices = np.concatenate([part.indices for part in self._pending], 1)
        for _, cols in tiles:
            self.tiles.append(encode_residual(r[:, :height, cols], indices[:, :height, cols], tables, first))
        self._top += height
        self._pending = [Symbols(self._z[-1], indices[:, height:], r[:, height:])]

    def hyper(self) -> bytes:
        """The stream of z, once all bands are there."""
        return self._weights.hyper_coder(self._position, self._grey).encode(np.concatenate(self._z, 1))


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
    if header.layout != 0 or header.depth != 8:
        raise FormatError("this version of aez decodes 8-bit pictures of latent layout 0 only")
    if header.quality > (weights.config.points - 1) * POSITION_SCALE:
        raise FormatError(f"quality position {header.quality} is beyond the model's")


def read_hyper(container: Container, weights: Weights) -> NDArray[np.int16]:
    """z of a file.

    Raises:
        FormatError: the stream is damaged.
    """
    header = container.header
    return weights.hyper_coder(header.quality, header.grey).decode(container.hyper, header.hyper_shape)


def read_filter(container: Container, weights: Weights) -> Tensor | None:
    """Weights of a file's picture filter, see :mod:`aez.codec.runtime.picture_filter`; None if it has none.

    Raises:
        FormatError: they are damaged.
    """
    if container.filter is None or not weights.has_filter:
        return None
    header = container.header
    channels = 1 if header.grey else 3
    return FilterWeights(weights, header.quality, channels).parse(container.filter)


def read_tile(
    container: Container, number: int, z: NDArray[np.int16], engine: Engine
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Tables (or ``NOT_CODED``) and r of one tile, (M, rows, columns) each.

    Raises:
        FormatError: the stream is damaged.
    """
    header, weights = container.header, engine.weights
    rows, cols = header.tiles()[number]
    cells = Window(rows.start, rows.stop, cols.start, cols.stop).coarser(CELL)
    grey = header.grey
    indices = engine.indices(z, header.quality, *header.latent_shape, cells, grey=grey)
    r, tables = decode_residual(container.tiles[number], indices, weights.residual_tables, weights.first_coded)
    return tables, r


def tile_residuals(container: Container, z: NDArray[np.int16], engine: Engine) -> TileResiduals:
    """r of a file, decoded as windows ask for it."""
    return TileResiduals(
        container.header.tiles(),
        engine.weights.config.latent,
        lambda number: read_tile(container, number, z, engine)[1],
    )
