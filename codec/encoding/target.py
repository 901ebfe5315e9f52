"""Search the continuous quality for a file of a target size or PSNR; each trial encodes a real file."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from aez.bitstream.errors import ImageError

SIZE_TOLERANCE = 0.02
"""Accepted shortfall below a target size, as a fraction of the file size, where the quality steps are fine enough."""
PSNR_TOLERANCE = 0.05
"""Accepted excess over a target PSNR in dB, where the quality steps are fine enough."""
_MAX_TRIALS = 40
_PARTS = 8
"""Parts of the range of positions; their boundaries are tried if the first position exceeds the goal."""


@dataclass(frozen=True)
class Target:
    """A target for an encoded file: its size, its rate or its PSNR. Exactly one field is set.

    Attributes:
        size: largest size in bytes; a picture whose file is smaller even at quality 100 is encoded at quality 100.
        bpp: the same limit in bits per pixel.
        psnr: lowest PSNR over the stored colour samples, in dB; a picture that exceeds it at quality 1 is encoded at
            quality 1.
    """

    size: int | None = None
    bpp: float | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ValueError: no field or several fields are set, or the value is not a positive finite number.
        """
        given = [value for value in (self.size, self.bpp, self.psnr) if value is not None]
        if len(given) != 1:
            raise ValueError("give one target: a size, bits a pixel, or a PSNR")
        if not (math.isfinite(given[0]) and given[0] > 0):
            raise ValueError(f"a target must be a positive number, not {given[0]}")

    def size_for(self, pixels: int) -> int | None:
        """Return the target in bytes for a picture with ``pixels`` pixels; None for a PSNR target."""
        return self.size if self.bpp is None else math.floor(self.bpp * pixels / 8)


@dataclass(frozen=True)
class Trial:
    """A file that the search encoded, and its measure.

    Attributes:
        position: position in the search.
        data: the file.
        value: logarithm of the size in bytes, or negative PSNR in dB.
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

    found = _search(trial, last, math.log(target), math.log1p(SIZE_TOLERANCE))
    if len(found.data) > target:
        raise ImageError(f"{target} bytes cannot be reached: this picture takes at least {len(found.data)} bytes")
    return found.data


def reaching_psnr(encode: Callable[[int], bytes], psnr: Callable[[bytes], float], target: float, last: int) -> bytes:
    """Find a file of at least ``target`` dB, within 0.05 dB of the target where the quality steps allow.

    If the file at quality 1 has a higher PSNR, it is returned.

    Args:
        encode: function from a quality position, 0 … ``last``, to a file.
        psnr: function from a file to its PSNR in dB.
        target: PSNR in dB.
        last: highest quality position.

    Raises:
        ImageError: the PSNR of every file is lower; the message names the highest PSNR.
    """

    def trial(position: int) -> Trial:
        data = encode(last - position)
        return Trial(position, data, -psnr(data))

    # With positions reversed, the negative PSNR rises with the position, as a size does, and has an upper bound.
    found = _search(trial, last, -target, PSNR_TOLERANCE)
    if -found.value < target:
        raise ImageError(f"{target:g} dB cannot be reached: this picture reaches at most {-found.value:.2f} dB")
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
