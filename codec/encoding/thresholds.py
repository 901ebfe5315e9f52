"""An encoder's choice of the lowest table that each tile codes (SPEC section 7.3).

Elements whose predicted scale is so small that they are 0 nearly everywhere are left out of the streams: on photographs
their zeros cost more than the few other values are worth. Where the hyper-latents predict badly, as on saturated
graphics, what is left out is most of the error. So each tile says from which table on it codes.
"""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.entropy import MAX_EXTRA
from aez.bitstream.runs import NOT_CODED
from aez.bitstream.sizes import ceil_div
from aez.codec.encoding.quantise import Quantiser
from aez.codec.geometry.windows import Window

_MARGIN = 24.0
"""Bits that coding more of a tile must be worth: it takes a decoder time."""


class TileTables:
    """Lowest coded tables of a picture's tiles, chosen when a tile is first encoded and kept from then on."""

    def __init__(self, side: int) -> None:
        """Begin a picture.

        Args:
            side: of the tiles, in latents; 0 if the whole picture is one tile.
        """
        self._side = side
        self._lowest: dict[tuple[int, int], int] = {}

    def choice(self, area: Window, core: Window) -> "TableChoice":
        """The choice for an area of latents.

        Args:
            area: what is quantised, in the picture.
            core: the part of it that will be coded: only tiles in it are decided for good.
        """
        return TableChoice(self, area, core)

    def parts(self, area: Window) -> list[tuple[tuple[int, int], Window]]:
        """Number (row, column) and rectangle of every tile's part of an area, relative to the area."""
        side = self._side or max(area.bottom, area.right)
        found = []
        for row in range(area.top // side, ceil_div(area.bottom, side)):
            for col in range(area.left // side, ceil_div(area.right, side)):
                tile = Window(row * side, (row + 1) * side, col * side, (col + 1) * side)
                part = tile.shared(area)
                if part is not None:
                    found.append(((row, col), part.moved(area)))
        return found

    def known(self, tile: tuple[int, int]) -> int | None:
        """The lowest coded table of a tile that is decided, None of one that is not."""
        return self._lowest.get(tile)

    def decide(self, tile: tuple[int, int], lowest: int) -> None:
        """Keep a decision."""
        self._lowest[tile] = lowest


class TableChoice:
    """The choice for an area, from the symbols of the first step of its means."""

    def __init__(self, tiles: TileTables, area: Window, core: Window) -> None:
        """See :meth:`TileTables.choice`."""
        self._tiles, self._area, self._core = tiles, area, core

    def settle(
        self,
        values: NDArray[np.float32],
        r: NDArray[np.int16],
        tables: NDArray[np.uint8],
        mask: NDArray[np.bool_],
        quantiser: Quantiser,
    ) -> None:
        """Choose, and set what is not coded to ``NOT_CODED`` and 0.

        Args:
            values: y − μ of the first step, (M, h, w).
            r: (M, h, w), symbols of the first step as if all tables were coded; written.
            tables: (M, h, w), the table of each element; written.
            mask: (M, h, w), the elements of the first step.
            quantiser: the rule that chose ``r``.
        """
        first = quantiser.first_coded
        for tile, part in self._tiles.parts(self._area):
            lowest = self._tiles.known(tile)
            if lowest is None:
                inside = part.index
                worth = _worth(values[inside], r[inside], tables[inside], mask[inside], quantiser)
                lowest = _best(worth, first)
                top, left = part.top + self._area.top, part.left + self._area.left
                if top < self._core.bottom and left < self._core.right:
                    self._tiles.decide(tile, lowest)
            below = tables[part.index] < lowest
            tables[part.index][below] = NOT_CODED
            r[part.index][below] = 0


def _worth(
    values: NDArray[np.float32],
    r: NDArray[np.int16],
    tables: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    quantiser: Quantiser,
) -> NDArray[np.float64]:
    """Return the bits that coding each table below the first coded one is worth: distortion saved, less the rate."""
    low = (tables < quantiser.first_coded) & mask
    count = np.bincount(tables[low], minlength=quantiser.first_coded).astype(np.float64)
    worth: NDArray[np.float64] = -count * quantiser.costs[:, 0]
    some = low & (r != 0)
    if some.any():
        table, value, symbol = tables[some].astype(np.intp), values[some], r[some].astype(np.float32)
        saved = np.broadcast_to(quantiser.worth, values.shape)[some] * (np.square(value) - np.square(value - symbol))
        magnitude = np.minimum(np.abs(symbol).astype(np.intp), quantiser.costs.shape[1] - 1)
        saved -= quantiser.costs[table, magnitude] - quantiser.costs[table, 0]
        worth += np.bincount(table, saved.astype(np.float64), minlength=quantiser.first_coded)
    return worth


def _best(worth: NDArray[np.float64], first_coded: int) -> int:
    """The lowest table from which on coding is worth most; ``first_coded`` unless that is enough."""
    if not len(worth):
        return first_coded
    reach = min(MAX_EXTRA, first_coded)  # what the head of a tile can say
    total = np.cumsum(worth[::-1])[:reach]
    best = int(total.argmax())
    return first_coded - 1 - best if total[best] > _MARGIN else first_coded
