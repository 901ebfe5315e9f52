"""Turn symbols into pixels, window by window."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.header import LATENT_STRIDE
from aez.codec.geometry.grid import CELL, LINEAR_FROM, Grid
from aez.codec.geometry.windows import Progress, Window, cell_windows
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.picture.depth import Samples
from aez.codec.runtime.means import Means
from aez.codec.runtime.networks import Array, Floats, Networks
from aez.codec.symbols.tiles import Residuals


@dataclass(frozen=True)
class View:
    """A part of a picture, at a reduced size.

    Attributes:
        grid: geometry of the whole picture.
        window: pixels to decode, in the picture reduced by ``reduction``.
        reduction: 1, 2, 4, 8 or 16; each pixel is the average of ``reduction`` rows and columns.
    """

    grid: Grid
    window: Window
    reduction: int = 1

    @classmethod
    def whole(cls, grid: Grid, reduction: int = 1) -> "View":
        """Return the view of a whole picture."""
        return cls(grid, Window(0, grid.height, 0, grid.width).coarser(reduction), reduction)

    @property
    def side(self) -> int:
        """Pixels of the reduced picture per latent, along each side."""
        return LATENT_STRIDE // self.reduction

    def around(self, latents: Window, pixel_halo: int) -> Window:
        """Return the latents on which the pixels of a window of latents depend."""
        return self.grid.grown(latents, pixel_halo if self.reduction < LINEAR_FROM else 0)

    def needed(self, pixel_halo: int) -> Window:
        """Return the latents on whose r the view depends."""
        return self.grid.reach(self.around(self.window.coarser(self.side), pixel_halo))

    def windows(self) -> list[Window]:
        """Divide the latents of the view into windows of whole cells; a single window has only the view's latents."""
        windows = cell_windows(self.window.coarser(self.side * CELL))
        return [self.window.coarser(self.side)] if len(windows) == 1 else [self.grid.latents_of(w) for w in windows]


@dataclass(frozen=True)
class Decoder:
    """A decoder with the networks of a model at one quality and depth.

    Attributes:
        networks: the float networks.
        point: the model at the picture's quality.
        pixel_filter: (C, nodes, inputs) float32, weights of the picture filter; None for no filter.
        depth: bits per sample, 8, 10, 12 or 16.
    """

    networks: Networks
    point: OperatingPoint
    pixel_filter: Floats | None = None
    depth: int = 8

    def decode(self, z: NDArray[np.int16], source: Residuals, view: View, progress: Progress | None = None) -> Samples:
        """Decode a view.

        Args:
            z: (Z, h, w) of the whole picture.
            source: r of the whole picture.
            view: the part to decode.
            progress: callback that takes the share of the windows that are done.

        Returns:
            (rows, columns, 3), or (rows, columns) if the picture is coded as grey; uint8, or uint16 up to
            2**depth − 1.
        """
        out: Samples = np.empty((*view.window.shape, self.point.channels), np.uint8 if self.depth == 8 else np.uint16)
        for window, samples in self.parts(z, source, view, progress):
            out[window.pixel_index] = self.networks.host(samples)
        return out[:, :, 0] if self.point.grey else out

    def parts(
        self, z: NDArray[np.int16], source: Residuals, view: View, progress: Progress | None = None
    ) -> Iterator[tuple[Window, Array]]:
        """Decode a view window by window; the arguments are those of :meth:`decode`.

        Yields:
            Window: pixels, relative to the first pixel of the view.
            Array: (rows, columns, C) integers up to 2**depth − 1, on the device of the networks.
        """
        cores, halo, side = view.windows(), self.point.weights.pixel_halo, view.side
        means = Means(self.networks, z, view.grid)
        for done, core in enumerate(cores):
            around = view.around(core, halo)
            r = source.window(view.grid.reach(around))
            if done + 1 < len(cores):
                source.expect(view.grid.reach(view.around(cores[done + 1], halo)))
            levels = self.levels(means.reconstruct(around, r)[0], view.reduction)
            pixels = around.finer(side)
            part = core.scaled(side, view.window.bottom, view.window.right).shared(view.window)
            if part is not None:
                samples = self.networks.samples(levels[part.pixel_index_in(pixels)], self.depth)
                yield part.moved(view.window), samples
            if progress:
                progress((done + 1) / len(cores))

    def levels(self, y_hat: Array, reduction: int = 1) -> Array:
        """Decode ŷ to levels, 0 … 255. At reductions of 8 and above, only the linear path is decoded, not filtered."""
        networks, position, channels = self.networks, self.point.position, self.point.channels
        if self.pixel_filter is None or reduction >= LINEAR_FROM:
            return networks.synthesise(y_hat, position, channels, reduction).clip(0, 255)
        # Errors that the filter corrects are visible in averages of 2×2 and 4×4, too, so filter before averaging.
        levels = networks.synthesise(y_hat, position, channels)
        return networks.average(networks.filter(levels, self.pixel_filter), reduction)
