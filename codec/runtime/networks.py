"""Interface of a model's float networks; encoding and decoding know nothing else of them.

Arrays that come back as :data:`Array` stay where the implementation computes, on an accelerator for instance. They can
be sliced like NumPy arrays and handed to other methods of the same object; :meth:`Networks.host` makes NumPy arrays of
them. All methods are safe to call from several threads.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aez.codec.model.filter_weights import Moments
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.weightfile import Weights

Array = Any
"""An array of the implementation's own kind."""
Floats = NDArray[np.float32]
Levels = NDArray[np.uint8] | Floats
"""Levels from 0 to 255: whole ones as uint8, others as float32."""
Slope = Callable[[Floats], Floats]
"""A vector–Jacobian product: the slope of a sum by the output to its slope by the input."""


OwnContext = Any
"""A :class:`Context` that the same object made."""


class Context(Protocol):
    """The mean context of an area of whole cells, in the form that the implementation keeps it.

    Attributes:
        first: (M, rows, columns) float32, the means of the first step.
        mask: (M, rows, columns) float32, 1 for the elements that the first step codes, 0 for the others.
    """

    @property
    def first(self) -> Floats:
        """See the class."""

    @property
    def mask(self) -> Floats:
        """See the class."""

    def part(self, rows: slice, columns: slice) -> "Context":
        """Return the context of a part of the area."""


class Networks(Protocol):
    """The float networks of one model on one device.

    M is the number of channels of the latent y, Z that of the hyper-latent z. Quality positions are integers, quality
    point × 256. Latents carry the encoder's gain: their unit is the step of the quantiser.

    Attributes:
        weights: the model.
        runtime: what computes: ``light`` or ``torch``.
        device: where: ``cpu``, ``cuda`` or ``mps``.
        precision: of the transforms' residual blocks: ``float32`` or ``bfloat16``.
    """

    weights: Weights
    runtime: str
    device: str
    precision: str

    def prepare(self, *, encoding: bool) -> None:
        """Begin to load what encoding, or decoding, will need, while the caller does other work."""

    def analyse(self, pixels: Levels, position: int) -> Floats:
        """Transform (16·h, 16·w, C) levels, C = 1 or 3, to y, (M, h, w)."""

    def hyper_analyse(self, y: Floats) -> Floats:
        """Transform y, (M, 4·h, 4·w), to z before rounding, (Z, h, w)."""

    def context(self, z: NDArray[np.int16], top: int, left: int) -> Context:
        """Compute the mean context of cells, (Z, h, w), whose first latent has row ``top`` and column ``left``."""

    def second_mean(self, context: OwnContext, r: NDArray[np.int16]) -> Floats:
        """Return the means of the second step, (M, rows, columns), from r, in which only the first step's count."""

    def second_mean_slope(self, context: OwnContext, r: NDArray[np.int16]) -> tuple[Floats, Slope]:
        """Return :meth:`second_mean`, and its slopes by the ŷ of the first step; both (M, rows, columns)."""

    def reconstruct(
        self, context: OwnContext, r: NDArray[np.int16], inside: tuple[slice, slice] | None = None
    ) -> Array:
        """Return ŷ = r + mean of a context's area, (1, M, rows, columns), or of the rows and columns ``inside``."""

    def synthesise(self, y_hat: Array | Floats, position: int, channels: int, reduction: int = 1) -> Array:
        """Transform ŷ, (1, M, h, w), to levels, (16·h / reduction, 16·w / reduction, channels) float32.

        Levels may be beyond 0 … 255; :meth:`filter` clips its result. Each is the average of reduction²
        samples. At a reduction of 8 and above, the network beside the linear path is replaced by what it adds to a flat
        picture.
        """

    def synthesise_slope(self, y_hat: Array, position: int, channels: int) -> tuple[Array, Slope]:
        """Return the levels of :meth:`synthesise`, and the slopes of samples / 255 by ŷ times the gain.

        The slope takes (16·h, 16·w, channels), and gives (M, h, w).
        """

    def filter(self, levels: Array, weights: Floats) -> Array:
        """Apply the picture filter to levels, (H, W, C), with weights (C, nodes, inputs)."""

    def filter_moments(self, levels: Array, top: int, left: int, original: Levels) -> Moments:
        """Return the sums that fit the filter to an original's levels, (h, w, C), at a given place."""

    def average(self, levels: Array, reduction: int) -> Array:
        """Average levels, (H, W, C), over squares of ``reduction`` rows and columns, which divide both sides."""

    def samples(self, levels: Array, depth: int) -> Array:
        """Round levels to integers of 8, 10, 12 or 16 bits, 0 … 2**depth − 1: to uint8, or to a wider type."""

    def host(self, array: Array) -> NDArray[Any]:
        """Return an array as a NumPy array."""

    def project(self, errors: Floats, channels: int) -> Floats:
        """Apply the transpose of the synthesis's linear path: (n, 256·channels) errors of patches to (n, M)."""

    def expand(self, change: Floats, position: int, channels: int) -> Floats:
        """Apply the synthesis's linear path to changes of ŷ: (n, M) to patches of samples / 255, (n, 256·channels)."""

    def newton_response(self, position: int, channels: int) -> Floats:
        """Return the Newton step in ŷ for a unit of slope of samples / 255 by ŷ times the gain, (M,)."""

    def curvature(self, position: int, channels: int) -> Floats:
        """Return the bits that a squared unit of ŷ is worth as distortion, (M,)."""

    def refine_hyper(
        self, y: Floats, z: NDArray[np.int16], free: slice, point: OperatingPoint, steps: int
    ) -> NDArray[np.int16]:
        """Move the rows ``free`` of z, (Z, h, w), to where rate and distortion of y, (M, ≤ 4·h, ≤ 4·w), are less."""
