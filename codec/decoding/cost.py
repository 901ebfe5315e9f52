"""The memory and the symbols of a decoding, estimated from the header before memory is taken for it.

The constants are upper bounds of measurements with the packaged models (``tests/codec/decoding/test_cost.py``); widths
of other models scale them.
"""

from dataclasses import dataclass
from math import prod

from aez.bitstream.header import LATENT_STRIDE, Header
from aez.bitstream.limits import Limits
from aez.bitstream.runs import PIECE
from aez.bitstream.sizes import ceil_div
from aez.codec.decoding.decoder import View
from aez.codec.geometry.grid import CELL, Grid
from aez.codec.geometry.windows import Window
from aez.codec.model.config import NetworkConfig

FIXED_BYTES = 8 * 10**7
"""Memory that any decoding takes: threads, arenas, kernels of the networks."""
PIECE_BYTES = 32
"""Bytes per symbol of a piece of a stream while it is decoded."""
_HYPER_BYTES = 20
"""Bytes per element of z while HYPER is decoded."""
_TILE_BYTES = 4
"""Bytes per element of a tile while it is decoded: its table, twice, and its value."""
_PIXEL_BYTES, _PIXEL_WIDTH = 170, 26.25
"""Bytes per pixel of a window in the networks of ``photo``, and what :func:`_width` gives for it."""


@dataclass(frozen=True)
class Cost:
    """The cost of a decoding.

    Attributes:
        memory: bytes beyond the loaded model and the file, what is returned included.
        symbols: number of symbols to decode.
    """

    memory: int
    symbols: int

    def check(self, limits: Limits) -> None:
        """Raise :class:`LimitError` if it is more than the limits allow."""
        limits.check_symbols(self.symbols)
        limits.check_memory(self.memory)


def symbols_cost(config: NetworkConfig, header: Header) -> Cost:
    """Return what decoding all symbols of a file takes."""
    latents = prod(header.latent_shape)
    side = _tile_side(header)
    tile = min(side, header.latent_shape[0]) * min(side, header.latent_shape[1])
    memory = FIXED_BYTES + _hyper_bytes(config, header) + 3 * config.latent * latents + _tile_bytes(config, tile)
    return Cost(memory, config.hyper * prod(header.hyper_shape) + config.latent * latents)


def tile_cost(config: NetworkConfig, header: Header) -> Cost:
    """Return what decoding the symbols of a file takes if one tile at a time is kept."""
    side = _tile_side(header)
    tile = min(side, header.latent_shape[0]) * min(side, header.latent_shape[1])
    memory = FIXED_BYTES + _hyper_bytes(config, header) + _tile_bytes(config, tile)
    return Cost(memory, symbols_cost(config, header).symbols)


def view_cost(config: NetworkConfig, pixel_halo: int, header: Header, view: View) -> Cost:
    """Return what decoding a view takes, alpha aside.

    Args:
        config: sizes of the model.
        pixel_halo: halo of the synthesis and the filter around a window, in latents.
        header: header of the file.
        view: what is decoded.
    """
    grid, windows, side = view.grid, view.windows(), _tile_side(header)
    reaches = [grid.reach(view.around(window, pixel_halo)) for window in windows]
    needed = _whole_tiles(view.needed(pixel_halo), side, grid)
    # Tiles stay until the windows are below them, and those of the next window are decoded ahead.
    rows = max(_whole_tiles(reach, side, grid).shape[0] for reach in reaches)
    kept = min(prod(needed.shape), (rows + min(side, grid.rows)) * needed.shape[1])
    tile = min(side, grid.rows) * min(side, grid.cols)
    largest = max(prod(reach.finer(LATENT_STRIDE).shape) for reach in reaches)
    memory = (
        FIXED_BYTES
        + (3 if header.depth == 8 else 6) * prod(view.window.shape)
        + _hyper_bytes(config, header)
        + 2 * config.latent * kept
        + _tile_bytes(config, tile)
        + int(largest * _PIXEL_BYTES * _width(config) / _PIXEL_WIDTH)
    )
    return Cost(memory, config.hyper * prod(header.hyper_shape) + config.latent * prod(needed.shape))


def _hyper_bytes(config: NetworkConfig, header: Header) -> int:
    return _HYPER_BYTES * config.hyper * prod(header.hyper_shape)


def _tile_bytes(config: NetworkConfig, latents: int) -> int:
    symbols = config.latent * latents
    exact = 8 * (4 * config.scale + 2 * config.hyper) * ceil_div(latents, CELL * CELL)
    return _TILE_BYTES * symbols + exact + PIECE_BYTES * min(PIECE, symbols)


def _tile_side(header: Header) -> int:
    return 1 << header.tile_log2 if header.tile_log2 else max(header.latent_shape)


def _whole_tiles(latents: Window, side: int, grid: Grid) -> Window:
    """Return the latents of all tiles that a window touches."""
    return latents.coarser(side).scaled(side, grid.rows, grid.cols)


def _width(config: NetworkConfig) -> float:
    """Return floats per pixel of the activations that are in memory together, each about five times."""
    at16 = max(config.synthesis16, config.context, config.latent)
    return 5 * (config.synthesis4 / 16 + config.synthesis8 / 64 + at16 / 256)
