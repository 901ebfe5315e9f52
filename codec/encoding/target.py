"""Search the continuous quality for a file of a target size, PSNR or score; each trial encodes a real file."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from aez.bitstream.errors import ImageError

SIZE_TOLERANCE = 0.02
"""Accepted shortfall below a target size, as a fraction of the file size, where the quality steps are fine enough."""
PSNR_TOLERANCE = 0.05
"""Accepted excess over a target PSNR in dB, where the quality steps are fine enough."""
SCORE_TOLERANCE = 0.3
"""Accepted excess over a target score, where the quality steps are fine enough."""
_MAX_TRIALS = 40
_PARTS = 8
"""Parts of the range of positions; their boundaries are tried if the first position exceeds the goal."""


@dataclass(frozen=True)
class Target:
    """A target for an encoded file: its size, its rate, its PSNR or its score. Exactly one field is set.

    Attributes:
        size: largest size in bytes; a picture whose file is smaller even at quality 100 is encoded at quality 100.
        bpp: the same limit in bits per pixel.
        psnr: lowest PSNR over the stored colour samples, in dB; a picture that exceeds it at quality 1 is encoded at
            quality 1.
        score: lowest SSIMULACRA 2 score of the stored colour samples, below 100; the same holds. The sides of the
            picture must be at least 8 pixels.
    """

    size: int | None = None
    bpp: float | None = None
    psnr: float | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ValueError: no field or several fields are set, or the value is not a positive finite number.
        """
        given = [value for value in (self.size, self.bpp, self.psnr, self.score) if value is not None]
        if len(given) != 1:
            raise ValueError("give one target: a size, bits a pixel, a PSNR, or a score")
        if not (math.isfinite(given[0]) and given[0] > 0):
            raise ValueError(f"a target must be a positive number, not {given[0]}")

    def size_for(self, pixels: int) -> int | None:
        """Return the target in bytes for a picture with ``pixels`` pixels; None for another target."""
        return self.size if self.bpp is None else math.floor(self.bpp * pixels / 8)


@dataclass(frozen=True)
class Trial:
    """A file that the search encoded, and its measure.

    Attributes:
        position: position in the search.
        data: the file.
        value: logarithm of the size in bytes, or the negative of what is measured.
    """

    position: int
    data: bytes
    value: float


def smallest_within(encode: Callable[[int], bytes], target: int, last: int) -> bytes:
    """Find a file of at most ``target`` bytes, within 2 % of the target where the quality steps allow.

    If the file at quality 100 is smaller, it is returned.

    Args:
        encode: function from a quality position, 0 … ``last``, to a file.
        target: size in bytes.
        last: highest quality position.

    Raises:
        ImageError: every file is larger; the message names the smallest size.
    """

    def trial(position: int) -> Trial:
        data = encode(position)
        return Trial(position, data, math.log(len(data)))

    found = _search(trial, last, math.log(max(target, 1)), math.log1p(SIZE_TOLERANCE))
    if len(found.data) > target:
        raise ImageError(f"{target} bytes cannot be reached: this picture takes at least {len(found.data)} bytes")
    return found.data


@dataclass(frozen=True)
class Measure:
    """A measure of a decoded picture that rises with quality.

    Attributes:
        of: function from a file to its value.
        tolerance: accepted excess over a target, where the quality steps are fine enough.
        wording: a value in messages, with a place for it.
    """

    of: Callable[[bytes], float]
    tolerance: float
    wording: str

    def text(self, value: float, digits: str) -> str:
        """Return a value for a message."""
        return self.wording.format(format(value, digits))


def reaching(encode: Callable[[int], bytes], measure: Measure, target: float, last: int) -> bytes:
    """Find a file of at least the target, and beyond it by the tolerance at most, where the quality steps allow.

    If the file at quality 1 exceeds the target, it is returned.

    Args:
        encode: function from a quality position, 0 … ``last``, to a file.
        measure: what is measured.
        target: its lowest value.
        last: highest quality position.

    Raises:
        ImageError: every file is below the target; the message names the highest value.
    """

    def trial(position: int) -> Trial:
        data = encode(last - position)
        return Trial(position, data, -measure.of(data))

    # With positions reversed, the negative value rises with the position, as a size does, and has an upper bound.
    found = _search(trial, last, -target, measure.tolerance)
    if -found.value < target:
        reached = measure.text(-found.value, ".2f")
        raise ImageError(f"{measure.text(target, 'g')} cannot be reached: this picture reaches at most {reached}")
    return found.data


def _search(trial: Callable[[int], Trial], last: int, goal: float, tolerance: float) -> Trial:
    """Find a trial whose value is at most ``goal`` and near to it; if there is none, return the lowest trial.

    The search narrows a bracket by secant steps and halvings. The low end of the bracket is at or below the goal, and
    its high end is above the goal; both ends are trials that were made. Values rise with the position only
    approximately, so if the first position exceeds the goal, other positions are tried before the search fails.

    Args:
        trial: function from a position, 0 … ``last``, to a trial.
        last: highest position.
        goal: highest accepted value.
        tolerance: distance below the goal at which the search stops.
    """
    high = trial(last)
    if high.value <= goal:
        return high
    low = trial(0)
    for part in range(1, _PARTS):
        if low.value <= goal:
            break
        low = min(low, trial(part * last // _PARTS), key=lambda one: one.value)
    if low.value > goal:
        return min(low, high, key=lambda one: one.value)
    for count in range(_MAX_TRIALS):
        if goal - low.value <= tolerance or high.position - low.position <= 1:
            break
        # Aim at the middle of the tolerance. Every third step halves, so that a bent curve cannot stall the search.
        halve = count % 3 == 2 or math.isinf(low.value)
        share = 0.5 if halve else (goal - tolerance / 2 - low.value) / (high.value - low.value)
        step = round(share * (high.position - low.position))
        middle = trial(low.position + min(max(step, 1), high.position - low.position - 1))
        if middle.value <= goal:
            low = middle
        else:
            high = middle
    return low
