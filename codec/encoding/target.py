"""A size or a PSNR as the target: a search over the continuous quality, on real files."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from aez.bitstream.errors import ImageError

SIZE_TOLERANCE = 0.02
"""A file of a target size is at most so much smaller than it."""
PSNR_TOLERANCE = 0.05
"""A file of a target PSNR is at most so many dB better, where the quality steps are fine enough."""
_MAX_TRIALS = 40
_PARTS = 8
"""Parts of the range of qualities between which a goal is looked for that the first position misses."""


@dataclass(frozen=True)
class Target:
    """What a file shall be; exactly one field is set.

    Attributes:
        size: bytes that it may have at most; a picture that takes less at quality 100 gets that quality.
        bpp: the same in bits a pixel.
        psnr: dB over the stored colour samples that it must reach; a picture that exceeds it at quality 1 gets that.
    """

    size: int | None = None
    bpp: float | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError unless one field is set, to a positive finite number."""
        given = [value for value in (self.size, self.bpp, self.psnr) if value is not None]
        if len(given) != 1:
            raise ValueError("give one target: a size, bits a pixel, or a PSNR")
        if not (math.isfinite(given[0]) and given[0] > 0):
            raise ValueError(f"a target must be a positive number, not {given[0]}")

    def size_for(self, pixels: int) -> int | None:
        """The target in bytes for a picture of so many pixels; None for a PSNR."""
        return self.size if self.bpp is None else math.floor(self.bpp * pixels / 8)


@dataclass(frozen=True)
class Trial:
    """A file and what it was measured at: bytes, or dB."""

    position: int
    data: bytes
    value: float


def smallest_within(encode: Callable[[int], bytes], target: int, last: int) -> bytes:
    """The best file of at most ``target`` bytes, within 2 % of it where the quality steps allow.

    A picture that takes less at quality 100 is that file.

    Args:
        encode: a quality position 0 … ``last`` to a file.
        target: bytes.
        last: highest position.

    Raises:
        ImageError: every file is larger; the text names the smallest size.
    """

    def trial(position: int) -> Trial:
        data = encode(position)
        return Trial(position, data, math.log(len(data)))

    found = _search(trial, last, math.log(target), math.log1p(SIZE_TOLERANCE))
    if len(found.data) > target:
        raise ImageError(f"{target} bytes cannot be reached: this picture takes at least {len(found.data)} bytes")
    return found.data


def reaching_psnr(encode: Callable[[int], bytes], psnr: Callable[[bytes], float], target: float, last: int) -> bytes:
    """The smallest file of at least ``target`` dB, within 0.05 dB of it where the quality steps allow.

    A picture that reaches more at quality 1 is that file.

    Args:
        encode: a quality position 0 … ``last`` to a file.
        psnr: a file to dB.
        target: dB.
        last: highest position.

    Raises:
        ImageError: every file stays below; the text names the highest PSNR.
    """

    def trial(position: int) -> Trial:
        data = encode(last - position)
        return Trial(position, data, -psnr(data))

    # Walked from the best quality down, a PSNR is a bound like a size: the last file that still keeps to it.
    found = _search(trial, last, -target, PSNR_TOLERANCE)
    if -found.value < target:
        raise ImageError(f"{target:g} dB cannot be reached: this picture reaches at most {-found.value:.2f} dB")
    return found.data


def _search(trial: Callable[[int], Trial], last: int, goal: float, tolerance: float) -> Trial:
    """The trial of the highest value up to ``goal``; if every value is above it, the lowest trial that was made.

    A bracket, low end at or below the goal and high end above it, is made smaller by secant steps and halvings. Values
    rise with the position only by and large, so where the first position is above the goal, others are looked at before
    the goal is given up; the bracket always holds a trial that was really made.

    Args:
        trial: a position 0 … ``last`` to what it measures.
        last: highest position.
        goal: what must not be exceeded.
        tolerance: how far below the goal is near enough.
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
        # Aim at the middle of the tolerance; every third step halves, so that a bent curve cannot stall the search.
        halve = count % 3 == 2 or math.isinf(low.value)
        share = 0.5 if halve else (goal - tolerance / 2 - low.value) / (high.value - low.value)
        step = round(share * (high.position - low.position))
        middle = trial(low.position + min(max(step, 1), high.position - low.position - 1))
        if middle.value <= goal:
            low = middle
        else:
            high = middle
    return low
