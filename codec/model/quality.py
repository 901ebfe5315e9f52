"""The quality scale: conversion between the user's quality, 1 … 100, and the integer position in a file."""

import bisect
import math
from dataclasses import dataclass
from functools import cached_property

QUALITY_MIN, QUALITY_MAX = 1, 100
_LEAST_STEP = 0.01
"""Least difference in quality from point to point."""
POSITION_SCALE = 256
"""Quality positions per quality point; a file holds the integer quality point × 256."""
LAMBDA_LOW, LAMBDA_HIGH = 0.0008, 0.5
"""λ of the lowest quality point, and of the highest unless a model says otherwise, on the scale of CompressAI."""


def check_quality(value: float, name: str = "quality") -> None:
    """Check that a quality is in 1 … 100.

    Raises:
        ValueError: the value is out of range or not a number.
    """
    if not QUALITY_MIN <= value <= QUALITY_MAX:
        raise ValueError(f"{name} must be from {QUALITY_MIN} to {QUALITY_MAX}, not {value}")


@dataclass(frozen=True)
class QualityScale:
    """The quality scale of one model.

    Attributes:
        points: number of quality points of the model, between which its gains are interpolated; at least 2.
        lambda_high: λ of the last point.
        scores: mean SSIMULACRA 2 score of photographs at each point, increasing; a quality is then the score to expect.
            Empty if it was not measured: then the qualities from 1 to 100 are spread evenly over the points.
    """

    points: int
    lambda_high: float = LAMBDA_HIGH
    scores: tuple[float, ...] = ()

    @cached_property
    def _qualities(self) -> list[float]:
        """The quality of each point; that of the first is what it is, that of the last is 100."""
        last = self.points - 1
        if not self.scores:
            return [QUALITY_MIN + point / last * (QUALITY_MAX - QUALITY_MIN) for point in range(self.points)]
        # Whatever was measured, the scale rises from point to point, within 1 … 100.
        rising = [
            min(max(score, QUALITY_MIN + point * _LEAST_STEP), QUALITY_MAX - (last - point) * _LEAST_STEP)
            for point, score in enumerate(self.scores)
        ]
        return [*rising[:-1], float(QUALITY_MAX)]

    @property
    def last(self) -> int:
        """Highest quality position."""
        return (self.points - 1) * POSITION_SCALE

    def position_of(self, quality: float) -> int:
        """Convert a quality, 1 … 100, to the nearest quality position.

        Raises:
            ValueError: the quality is out of range.
        """
        return round(self.point_of(quality) * POSITION_SCALE)

    def point_of(self, quality: float) -> float:
        """Convert a quality, 1 … 100, to a real-valued quality point, 0 … points − 1.

        Qualities below that of the first point are that point.

        Raises:
            ValueError: the quality is out of range.
        """
        check_quality(quality)
        qualities = self._qualities
        above = min(max(bisect.bisect_right(qualities, quality), 1), self.points - 1)
        low, high = qualities[above - 1 : above + 1]
        return above - 1 + min(max((quality - low) / (high - low), 0.0), 1.0)

    def quality_of(self, position: int) -> float:
        """Convert a quality position to a quality, the inverse of :meth:`position_of`."""
        point, share = self.between(position)
        low, high = self._qualities[point : point + 2]
        return low + share * (high - low)

    def nearest_point(self, position: int) -> int:
        """Return the number of the quality point nearest to a position."""
        return min((position + POSITION_SCALE // 2) // POSITION_SCALE, self.points - 1)

    def between(self, position: int) -> tuple[int, float]:
        """Return the quality point at or below a position, and the share of the way to the next point, 0 … 1."""
        point = min(position // POSITION_SCALE, self.points - 2)
        return point, position / POSITION_SCALE - point

    def distortion_weight(self, position: int) -> float:
        """Return λ · 255² at a position: the weight of the distortion, in bits per pixel and unit of MSE.

        The MSE is that of samples in [0, 1]. λ is log-linear from 0.0008 to ``lambda_high`` on the scale of CompressAI.
        """
        share = position / self.last
        return 255**2 * LAMBDA_LOW * math.exp(share * math.log(self.lambda_high / LAMBDA_LOW))
