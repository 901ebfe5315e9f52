"""Choose the lowest table that each tile codes (SPEC section 7.3).

Elements with a predicted scale so small that nearly all of them are 0 are left out of the streams: on photographs,
their zeros cost more bits than the few other values are worth. Where the hyper-latents predict badly, as on saturated
graphics, these elements hold most of the error. Therefore each tile names the lowest table that it codes.

Errors of latents only suggest it: the synthesis saw no such elements in training. A model of what is seen may make a
pattern of them, and gains nothing on photographs, so it codes them on graphics only, and where the decoded picture is
better for it.
"""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.entropy import MAX_EXTRA
from aez.bitstream.runs import NOT_CODED
from aez.bitstream.sizes import ceil_div
from aez.codec.encoding.quantise import Quantiser
from aez.codec.geometry.windows import Window

_MARGIN = 24.0
"""Smallest gain in bits for which a tile codes additional tables, because they take decoding time."""


class TileTables:
    """Lowest coded tables of the tiles of a picture. Each is chosen when its tile is first encoded, and then kept."""

    def __init__(self, side: int) -> None:
        """Start a picture.

        Args:
            side: side of the tiles in latents; 0 if the whole picture is one tile.
        """
        self._side = side
        self._lowest: dict[tuple[int, int], int] = {}

    def choice(self, area: Window, core: Window, *, additional: bool = True) -> "TableChoice":
        """Return the choice of tables for an area of latents.

        Args:
            area: latents that are quantised, in the picture.
            core: part of the area that will be coded; only choices for tiles in the core are kept.
            additional: tiles may code tables below the first coded one.
        """
        return TableChoice(self, area, core, additional=additional)

    def parts(self, area: Window) -> list[tuple[tuple[int, int], Window]]:
        """Return the number (row, column) of each tile in an area, and the rectangle of its part within the area."""
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
        """Return the lowest coded table of a tile; None if it is not decided yet."""
        return self._lowest.get(tile)

    def decide(self, tile: tuple[int, int], lowest: int) -> None:
        """Store the lowest coded table of a tile."""
        self._lowest[tile] = lowest


class TableChoice:
    """Choice of the lowest coded tables of an area, from the symbols of the first step of the means."""

    def __init__(self, tiles: TileTables, area: Window, core: Window, *, additional: bool) -> None:
        """See :meth:`TileTables.choice`."""
        self._tiles, self._area, self._core, self._additional = tiles, area, core, additional
        self._lowered: set[tuple[int, int]] = set()

    @property
    def lowered(self) -> bool:
        """True if tiles code additional tables that were not known to."""
        return bool(self._lowered)

    def without(self, tables: NDArray[np.uint8], first_coded: int) -> NDArray[np.uint8]:
        """Return ``tables``, (M, h, w), as if these tiles coded no additional ones."""
        out = tables.copy()
        for tile, part in self._tiles.parts(self._area):
            if tile in self._lowered:
                inside = out[part.index]
                inside[inside < first_coded] = NOT_CODED
        return out

    def withdraw(self, first_coded: int) -> None:
        """Decide that these tiles code no additional tables."""
        for tile in self._lowered:
            if self._tiles.known(tile) is not None:
                self._tiles.decide(tile, first_coded)

    def settle(
        self,
        values: NDArray[np.float32],
        r: NDArray[np.int16],
        tables: NDArray[np.uint8],
        mask: NDArray[np.bool_],
        quantiser: Quantiser,
    ) -> None:
        """Choose the lowest coded tables; for elements below them, set ``tables`` to ``NOT_CODED`` and ``r`` to 0.

        Args:
            values: y − μ of the first step, (M, h, w).
            r: (M, h, w), symbols of the first step as if all tables were coded; modified in place.
            tables: (M, h, w), table of each element; modified in place.
            mask: (M, h, w), elements of the first step.
            quantiser: rule that chose ``r``.
        """
        first = quantiser.first_coded
        for tile, part in self._tiles.parts(self._area):
            lowest = self._tiles.known(tile)
            if lowest is None:
                inside, lowest = part.index, first
                if self._additional:
                    worth = _worth(values[inside], r[inside], tables[inside], mask[inside], quantiser)
                    lowest = _best(worth, first)
                if lowest < first:
                    self._lowered.add(tile)
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
    """Return the gain in bits of coding each table below the first coded one: saved distortion minus rate."""
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
    """Return the lowest coded table of the largest gain; ``first_coded`` if the gain is not above ``_MARGIN``."""
    if not len(worth):
        return first_coded
    reach = min(MAX_EXTRA, first_coded)  # limit of the field in the head of a tile
    total = np.cumsum(worth[::-1])[:reach]
    best = int(total.argmax())
    return first_coded - 1 - best if total[best] > _MARGIN else first_coded
