"""Search for the quality that gives a file of a given size."""

from dataclasses import dataclass

from PIL import Image

from aez.benchmarks.codecs.base import Adapter

STEPS = 12


@dataclass(frozen=True)
class Match:
    """A file and the quality that made it."""

    quality: float
    data: bytes


def match_size(adapter: Adapter, image: Image.Image, target: int) -> Match:
    """Search for the largest file of at most ``target`` bytes; return the smallest file if none fits.

    Args:
        adapter: the codec; sizes must rise, or fall, with its quality.
        image: mode RGB.
        target: bytes.
    """

    def code(quality: float) -> Match:
        return Match(quality, adapter.encode(image, quality))

    scale = adapter.scale
    if scale is None:
        files = sorted((code(quality) for quality in adapter.qualities), key=lambda match: len(match.data))
        return next((match for match in reversed(files) if len(match.data) <= target), files[0])
    first, last = code(scale.low), code(scale.high)
    small, large = (first, last) if len(first.data) <= len(last.data) else (last, first)
    if len(small.data) > target or len(large.data) <= target:
        return small if len(small.data) > target else large
    below, above = small.quality, large.quality
    best = small
    for _ in range(STEPS):
        middle = (below + above) / 2
        if scale.integer:
            middle = round(middle)
            if middle in (below, above):
                break
        match = code(middle)
        if len(match.data) <= target:
            below = middle
            best = max(best, match, key=lambda found: len(found.data))
        else:
            above = middle
    return best
