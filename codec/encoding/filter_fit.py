"""Fit the picture filter to a picture that is being encoded."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aez.codec.model.filter_weights import FilterWeights, Moments


class FilterFit:
    """The filter that suits the pixels seen so far best; it does not change.

    Attributes:
        moments: sums over these pixels.
    """

    def __init__(self, weights: FilterWeights, moments: Moments | None = None) -> None:
        """Fit to some pixels, or to none.

        Args:
            weights: of the model at the picture's quality.
            moments: sums over the pixels.
        """
        self._weights = weights
        self.moments = Moments(weights.channels) if moments is None else moments

    def __add__(self, other: "FilterFit") -> "FilterFit":
        """Return the fit to the pixels of both."""
        if not self.moments.pixels:
            return other  # which may have found its payload already
        total = Moments(self._weights.channels)
        total.include(self.moments)
        total.include(other.moments)
        return FilterFit(self._weights, total)

    def of(self, moments: Moments) -> "FilterFit":
        """Return the fit to other pixels, for the same model and quality."""
        return FilterFit(self._weights, moments)

    @cached_property
    def payload(self) -> bytes | None:
        """The FILTER chunk, None for no filter; the model's own filter, an empty chunk, if no pixels were seen."""
        return self._weights.payload(self.moments) if self.moments.pixels else b""

    @cached_property
    def weights(self) -> NDArray[np.float32] | None:
        """The weights that a decoder makes of :attr:`payload`."""
        return None if self.payload is None else self._weights.parse(self.payload)
