"""Sources of the symbols r for a decoder: an array, or the tiles of a file, decoded when a window needs them."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aez.codec.geometry.windows import Window


class Residuals(Protocol):
    """A source of the symbols r of one picture."""

    def window(self, window: Window) -> NDArray[np.int16]:
        """Return r of a window of latents, (M, rows, columns); the channels of a latent are adjacent in memory."""

    def expect(self, window: Window) -> None:
        """Announce the next window to be requested."""


class ArrayResiduals:
    """A source of r that holds all of it in an array."""

    def __init__(self, r: NDArray[np.int16]) -> None:
        """Take r, (M, rows, columns) int16."""
        self._r = r

    def window(self, window: Window) -> NDArray[np.int16]:
        """Return r of a window as a view."""
        return self._r[window.index]

    def expect(self, window: Window) -> None:
        """Do nothing, because all of r is in memory."""


class TileResiduals:
    """A source of r that decodes the tiles of a file.

    Windows must be requested in raster order, because tiles above a window are released. A thread decodes the tiles of
    the announced window while the networks work on the previous one.
    """

    def __init__(
        self, areas: list[tuple[slice, slice]], channels: int, decode: Callable[[int], NDArray[np.int16]]
    ) -> None:
        """Prepare the tiles; none is decoded yet.

        Args:
            areas: rows and columns of latents of each tile.
            channels: M.
            decode: function from the number of a tile to its r, (M, rows, columns) int16.
        """
        self._areas = TileAreas(areas)
        self._channels = channels
        self._decode = decode
        self._tiles: dict[int, Future[NDArray[np.int16]]] = {}
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "TileResiduals":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the decoding thread."""
        self._pool.shutdown(cancel_futures=True)

    def expect(self, window: Window) -> None:
        """Start decoding the tiles of a window."""
        for number in self._areas.within(window):
            if number not in self._tiles:
                self._tiles[number] = self._pool.submit(self._decode, number)

    def window(self, window: Window) -> NDArray[np.int16]:
        """Assemble a window from its tiles.

        Raises:
            FormatError: a tile's stream is damaged.
        """
        self.expect(window)
        out = np.empty((self._channels, *window.shape), np.int16)
        for number in self._areas.within(window):
            area = self._areas.windows[number]
            part = area.shared(window)
            tile = self._tiles[number].result()
            if part is not None:
                out[part.index_in(window)] = tile[part.index_in(area)]
        for number in [n for n in self._tiles if self._areas.windows[n].bottom <= window.top]:
            del self._tiles[number]
        return out


class TileAreas:
    """The rectangles of the tiles of a file."""

    def __init__(self, areas: list[tuple[slice, slice]]) -> None:
        """Take the rows and columns of latents of each tile."""
        self.windows = [Window(rows.start, rows.stop, cols.start, cols.stop) for rows, cols in areas]
        self._bounds = np.array([(w.top, w.bottom, w.left, w.right) for w in self.windows])

    def within(self, window: Window) -> list[int]:
        """Return the numbers of the tiles that a window touches."""
        top, bottom, left, right = self._bounds.T
        touched = (top < window.bottom) & (bottom > window.top) & (left < window.right) & (right > window.left)
        numbers: list[int] = np.flatnonzero(touched).tolist()
        return numbers
