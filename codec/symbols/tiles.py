"""Where a decoder takes r from: an array, or the tiles of a file, decoded when a window needs them."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.symbols.windows import Window


class Residuals(Protocol):
    """r of a picture, window by window."""

    def window(self, window: Window) -> Tensor:
        """(M, rows, columns) int16 of a window of latents, channels last in memory."""

    def expect(self, window: Window) -> None:
        """Announce the window that will be asked for next."""


class ArrayResiduals:
    """r in memory."""

    def __init__(self, r: NDArray[np.int16]) -> None:
        """(M, rows, columns) int16."""
        self._r = interleaved_array(r)

    def window(self, window: Window) -> Tensor:
        """A view."""
        return self._r[window.slices]

    def expect(self, window: Window) -> None:
        """Nothing to prepare."""


class TileResiduals:
    """r from tiles. Windows are to be asked for in raster order: tiles that lie above one are forgotten.

    A thread of its own decodes the tiles of the window announced, while the networks work on the one before.
    """

    def __init__(
        self, areas: list[tuple[slice, slice]], channels: int, decode: Callable[[int], NDArray[np.int16]]
    ) -> None:
        """Nothing is decoded yet.

        Args:
            areas: rows and columns of latents of every tile.
            channels: M.
            decode: gives (M, rows, columns) int16 of a tile by its number.
        """
        self._areas = TileAreas(areas)
        self._channels = channels
        self._decode = decode
        self._tiles: dict[int, Future[NDArray[np.int16]]] = {}
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "TileResiduals":
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the thread."""
        self._pool.shutdown(cancel_futures=True)

    def expect(self, window: Window) -> None:
        """Start on its tiles."""
        for number in self._areas.within(window):
            if number not in self._tiles:
                self._tiles[number] = self._pool.submit(self._decode, number)

    def window(self, window: Window) -> Tensor:
        """Put together from its tiles.

        Raises:
            FormatError: a tile's stream is damaged.
        """
        self.expect(window)
        out = interleaved(torch.empty(*window.shape, self._channels, dtype=torch.int16))
        for number in self._areas.within(window):
            area = self._areas.windows[number]
            part = area.shared(window)
            tile = torch.from_numpy(self._tiles[number].result())
            if part is not None:
                out[part.within(window)[1:]] = tile[part.within(area)[1:]]
        for number in [n for n in self._tiles if self._areas.windows[n].bottom <= window.top]:
            del self._tiles[number]
        return out


class TileAreas:
    """The rectangles of a file's tiles."""

    def __init__(self, areas: list[tuple[slice, slice]]) -> None:
        """Rows and columns of latents of every tile."""
        self.windows = [Window(rows.start, rows.stop, cols.start, cols.stop) for rows, cols in areas]
        self._bounds = np.array([(w.top, w.bottom, w.left, w.right) for w in self.windows])

    def within(self, window: Window) -> list[int]:
        """Numbers of the tiles that a window touches."""
        top, bottom, left, right = self._bounds.T
        touched = (top < window.bottom) & (bottom > window.top) & (left < window.right) & (right > window.left)
        numbers: list[int] = np.flatnonzero(touched).tolist()
        return numbers


def interleaved(tensor: Tensor) -> Tensor:
    """(rows, columns, channels) in memory, seen as (channels, rows, columns): the order that the networks work in."""
    return tensor.permute(2, 0, 1)


def interleaved_array(array: NDArray[np.int16] | NDArray[np.uint8]) -> Tensor:
    """The same of an array (channels, rows, columns) in any order in memory."""
    return interleaved(torch.from_numpy(array.transpose(1, 2, 0)).contiguous())
