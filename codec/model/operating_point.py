"""A model at one quality: all data of a model that coding uses and that depend on the quality."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.hyper import HyperCoder, HyperContext
from aez.codec.geometry.grid import Grid
from aez.codec.geometry.windows import Window
from aez.codec.model.filter_weights import FilterWeights
from aez.codec.model.scales import LEVELS
from aez.codec.model.weightfile import CONTEXT_TENSORS, Weights


@dataclass(frozen=True, eq=False)
class OperatingPoint:
    """A model at one quality, for colour pictures or for grey ones.

    Attributes:
        weights: a validated model.
        position: quality position, quality point × 256.
        grey: True for pictures that are coded with one sample per pixel.
    """

    weights: Weights
    position: int
    grey: bool = False

    @property
    def channels(self) -> int:
        """Samples per pixel, 1 or 3."""
        return 1 if self.grey else 3

    @cached_property
    def hyper_indices(self) -> NDArray[np.uint8]:
        """Table of each channel of z, from the nearest quality point: (Z,) uint8."""
        name = "tables.grey_hyper_index"
        found: NDArray[np.uint8] = self._nearest(name if self.grey and self._has(name) else "tables.hyper_index")
        return found

    @cached_property
    def hyper_means(self) -> NDArray[np.int16]:
        """Centre of the table of each channel of z, (Z,) int16; 0 unless the picture is grey."""
        name = "tables.grey_hyper_mean"
        if not self.grey or not self._has(name):
            return np.zeros(self.weights.config.hyper, np.int16)
        found: NDArray[np.int16] = self._nearest(name)
        return found

    @cached_property
    def hyper_bounds(self) -> NDArray[np.int32]:
        """Largest distance of each channel of z from its mean, (Z,) int32."""
        return self.weights.hyper_tables.bounds[self.hyper_indices]

    @cached_property
    def hyper_coder(self) -> HyperCoder:
        """The coder of z; for colour pictures it predicts values from neighbours if the model has tables for that."""
        tables = self.weights.context_tables
        context = None
        if not self.grey and tables is not None:
            weights, levels = (self._nearest(name).astype(np.int32) for name in CONTEXT_TENSORS)
            context = HyperContext(weights, levels, tables)
        return HyperCoder(self.weights.hyper_tables, self.hyper_indices, self.hyper_means, context)

    @cached_property
    def index_offsets(self) -> NDArray[np.int8] | None:
        """Offsets added to the table indices of a grey picture, (M,) int8; None if there are none."""
        name = "tables.grey_offset"
        return self._nearest(name) if self.grey and self._has(name) else None

    @cached_property
    def filter(self) -> FilterWeights | None:
        """Weights of the picture filter; None if the model has no filter."""
        return FilterWeights(self.weights, self.position, self.channels) if self.weights.has_filter else None

    @property
    def distortion_weight(self) -> float:
        """λ·255²: weight of the distortion, in bits per pixel and unit of MSE, for samples in [0, 1]."""
        return self.weights.quality_scale.distortion_weight(self.position)

    def indices(self, z: NDArray[np.int16], grid: Grid, window: Window | None = None) -> NDArray[np.uint8]:
        """Compute the table index of each element of r by the exact path (SPEC section 5.3).

        Args:
            z: (Z, h, w) int16 of the whole picture.
            grid: geometry of the picture.
            window: window of cells; None for all cells.

        Returns:
            (M, rows, columns) uint8, for the latents of the window.
        """
        height, width = grid.latents_of(window or grid.cells).shape
        indices = self.weights.exact.indices(z, self.position, window)[:, :height, :width]
        if self.index_offsets is None:
            return indices
        table = np.clip(self.index_offsets[:, None].astype(int) + np.arange(LEVELS), 0, LEVELS - 1).astype(np.uint8)
        moved: NDArray[np.uint8] = table[np.arange(len(table))[:, None, None], indices]
        return moved

    def _has(self, name: str) -> bool:
        return name in self.weights.tensors

    def _nearest(self, name: str) -> NDArray[Any]:
        return self.weights.nearest_row(name, self.position)
