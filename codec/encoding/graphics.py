"""Recognise pictures with hard edges or flat areas, as text and drawings have."""

import numpy as np

from aez.codec.picture.depth import Samples, at_depth, is_deep

_HARD_EDGE, _HARD_EDGES = 192, 0.004
"""Difference of neighbours in levels, and share of neighbours that have one on graphics; below 0.001 on photographs."""
_FLAT = 0.6
"""Share of neighbours that are equal on graphics."""


def is_graphic(pixels: Samples) -> bool:
    """Check whether pixels, (H, W, C), have hard edges or flat areas.

    The analysis transform is so far from the best latents of a graphic that every effort corrects them. Every second
    row and column counts.
    """
    hard = flat = total = 0
    signed: type[np.int16] | type[np.int32] = np.int32 if is_deep(pixels) else np.int16
    edge = int(at_depth(np.array(_HARD_EDGE, np.uint8), 16 if is_deep(pixels) else 8))
    for lines in (pixels[::2], pixels[:, ::2].swapaxes(0, 1)):
        step = np.abs(np.diff(lines.astype(signed), axis=1)).max(2)
        hard += int((step >= edge).sum())
        flat += int((step == 0).sum())
        total += step.size
    return hard > _HARD_EDGES * total or flat > _FLAT * total
