"""Files of the family: pictures to `.aez` bytes of latent layout 1 and back."""

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Container, FormatError, Header, ModelError
from aez.bitstream.entropy import encode_residual
from aez.bitstream.factorised import decode_factorised
from aez.bitstream.runs import PIECE
from aez.codec.base import PictureCodec
from aez.codec.decoding.cost import FIXED_BYTES, PIECE_BYTES, Cost
from aez.codec.decoding.decoder import View
from aez.codec.family.code import Code
from aez.codec.family.code_networks import code_networks
from aez.codec.family.members import CodeGrid
from aez.codec.family.weightfile import FamilyWeights, read_family_weights
from aez.codec.geometry.grid import Grid
from aez.codec.geometry.windows import Progress, Window, cell_windows
from aez.codec.model.registry import find_model
from aez.codec.options import EncodeOptions
from aez.codec.picture.alpha.fill import filled
from aez.codec.picture.averages import averaged
from aez.codec.picture.depth import Samples, levels_of
from aez.codec.picture.picture import Picture
from aez.codec.symbols.symbols import Symbols

LAYOUT = 1
"""The latent layout of files here: one stream, of a code on a grid."""
BAND_PIXELS = 2**21
"""Pixels that the networks see at a time. Larger bands take more memory and save little of the work on halos."""
WINDOW_ROWS = 1024
"""Rows of pixels of a window of a larger picture."""
_PIXEL_BYTES = 100
"""Bytes per pixel of a window in the decoder of a member."""


class FamilyCodec(PictureCodec):
    """A member of the autoencoder family as a codec.

    The effort changes nothing. Grey pictures are coded as RGB.

    Attributes:
        code: the model's code.
        networks: its encoder and its decoder.
        runtime: what computes them, ``light`` or ``torch``.
    """

    layout = LAYOUT

    def __init__(self, model: str | FamilyWeights, device: str = "auto", runtime: str = "auto") -> None:
        """Load a model.

        Args:
            model: name of a packaged member, path of a weights file, or weights already read.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            runtime: ``light``, ``torch`` or ``auto``, see :func:`aez.codec.runtime.choice.networks_for`.

        Raises:
            ModelError: there is no such model, it is damaged, or it is not one that compresses.
            AezError: the device or the runtime is not there.
            ValueError: there is no such device or runtime.
        """
        weights = model if isinstance(model, FamilyWeights) else read_family_weights(find_model(model).path)
        self.code = Code.of(weights)
        self.networks = code_networks(weights, self.code, device, runtime)
        self.runtime, self.device, self.precision = self.networks.runtime, self.networks.device, "float32"
        self.name, self.fingerprint = weights.name, weights.fingerprint
        self.quality_scale = self.code.quality_scale

    def _coded_samples(self, picture: Picture) -> tuple[Samples, str]:
        samples = picture.samples if picture.alpha is None else filled(picture.samples, picture.alpha)
        return samples, "grey" if samples.ndim == 2 else "RGB"

    def encode_samples(
        self,
        samples: Samples,
        header: Header,
        options: EncodeOptions,
        progress: Progress | None = None,
        *,
        beneath: bool = False,
    ) -> Container:
        """See :meth:`aez.codec.base.PictureCodec.encode_samples`."""
        if options.tile_log2:
            raise ValueError("files of the autoencoder family have one tile")
        code = self.code_of(samples, header.quality, progress)
        indices = self.code.indices(header.quality, self.code.sides(*samples.shape[:2]))
        tile = encode_residual(code, indices, self.code.tables, 0)
        return Container(header, b"", [tile], {}, None)

    def code_of(self, samples: Samples, position: int, progress: Progress | None = None) -> NDArray[np.int16]:
        """Encode a picture, (H, W, 3) or (H, W), to its code, (C, ceil(H/S), ceil(W/S)) int16."""
        height, width = samples.shape[:2]
        stride, (rows, cols) = self.code.grid.stride, self.code.sides(height, width)
        out = np.empty((self.code.channels, rows, cols), np.int16)
        for core, outer in _bands(rows, cols, self.code.grid):
            pixels = samples[outer.start * stride : outer.stop * stride]
            missing = ((0, (outer.stop - outer.start) * stride - len(pixels)), (0, cols * stride - width))
            pixels = np.pad(pixels.reshape(*pixels.shape[:2], -1), (*missing, (0, 0)), mode="edge")
            code = self.networks.encode(levels_of(pixels), position)
            out[:, core] = code[:, core.start - outer.start : core.stop - outer.start]
            if progress:
                progress(core.stop / rows)
        return out

    def pixels_of(self, code: NDArray[np.int16], header: Header, progress: Progress | None = None) -> Samples:
        """Decode a code to samples at the header's depth: (H, W, 3), or (H, W) if the picture is grey."""
        grid = Grid.of(header)
        whole = View.whole(grid)
        return self._shown(code, self._around(whole), header, whole, progress)

    def _around(self, view: View) -> Window:
        """Return the positions of the code on which the pixels of a view depend."""
        grid, (rows, cols) = self.code.grid, self.code.sides(view.grid.height, view.grid.width)
        return self._pixels(view).coarser(grid.stride).grown(grid.halo, rows, cols)

    @staticmethod
    def _pixels(view: View) -> Window:
        """Return the pixels, at full size, of a view."""
        return view.window.scaled(view.reduction, view.grid.height, view.grid.width)

    def _shown(
        self, code: NDArray[np.int16], around: Window, header: Header, view: View, progress: Progress | None
    ) -> Samples:
        """Decode a view, (rows, columns, 3) or (rows, columns) at the header's depth, from the code ``around`` it."""
        stride, channels = self.code.grid.stride, 1 if header.grey else 3
        part, sides = self._pixels(view), self.code.sides(header.height, header.width)
        out: Samples = np.empty((*view.window.shape, channels), np.uint8 if header.depth == 8 else np.uint16)
        windows = _windows(part.coarser(stride), stride)
        for done, core in enumerate(windows):
            outer = core.grown(self.code.grid.halo, *sides)
            part_of_code = np.ascontiguousarray(code[outer.index_in(around)])
            pixels = self.networks.decode(part_of_code, header.quality, channels, header.depth)
            inside = core.finer(stride).shared(part)
            assert inside is not None  # windows cover the part
            shown = pixels[inside.pixel_index_in(outer.finer(stride))]
            small = inside.coarser(view.reduction)
            target = out[small.pixel_index_in(view.window)]
            for channel in range(channels):
                target[:, :, channel] = averaged(shown[:, :, channel], view.reduction, small.shape)
            if progress:
                progress((done + 1) / len(windows))
        return out[:, :, 0] if header.grey else out

    def _symbols(self, container: Container) -> Symbols:
        """Decode the code of a file, as r; z is empty."""
        header = container.header
        sides = self.code.sides(header.height, header.width)
        code = self._code(container, Window(0, sides[0], 0, sides[1]))
        return Symbols(np.zeros((0, *sides), np.int16), self.code.indices(header.quality, sides), code)

    def _code(self, container: Container, area: Window) -> NDArray[np.int16]:
        """Decode an area of the code."""
        header = container.header
        if container.hyper:
            raise FormatError("a file of this layout has no hyper-latent")
        sides, row = self.code.sides(header.height, header.width), self.code.row(header.quality)
        if container.whole:
            return np.zeros((self.code.channels, *area.shape), np.int16)
        return decode_factorised(container.tiles[0], row, sides, self.code.tables, area.pixel_index)

    def _check(self, header: Header) -> None:
        if header.fingerprint != self.fingerprint:
            raise ModelError(
                f"made with another model (fingerprint {header.fingerprint.hex()}; "
                f"{self.name!r} is {self.fingerprint.hex()})"
            )
        if header.layout != LAYOUT or header.tile_log2 or header.colour == "grey RGB":
            raise FormatError("files of this model are RGB or grey, of latent layout 1, in one tile")
        if header.quality > self.quality_scale.last:
            raise FormatError(f"quality position {header.quality} is beyond the model's")

    def _needed_tiles(self, header: Header, view: View) -> set[int] | None:
        return None

    def _decode_samples(self, container: Container, view: View, progress: Progress | None) -> Samples:
        around = self._around(view)
        return self._shown(self._code(container, around), around, container.header, view, progress)

    def _cost(self, header: Header, view: View | None) -> Cost:
        """See :meth:`aez.codec.base.PictureCodec._cost`; all symbols are decoded, and those of the view kept."""
        stride, sides = self.code.grid.stride, self.code.sides(header.height, header.width)
        symbols = self.code.channels * prod(sides)
        piece = PIECE_BYTES * min(max(PIECE, sides[1]), symbols)
        if view is None:
            return Cost(FIXED_BYTES + 3 * symbols + piece, symbols)
        windows = _windows(self._pixels(view).coarser(stride), stride)
        outer = max(prod(window.grown(self.code.grid.halo, *sides).shape) for window in windows)
        kept = 2 * self.code.channels * prod(self._around(view).shape)
        memory = (
            FIXED_BYTES
            + (3 if header.depth == 8 else 6) * prod(view.window.shape)
            + kept
            + piece
            + _PIXEL_BYTES * outer * stride**2
        )
        return Cost(memory, symbols)


def _windows(area: Window, stride: int) -> list[Window]:
    """Divide positions of the code into windows of about ``BAND_PIXELS``, in raster order."""
    return cell_windows(area, max(1, WINDOW_ROWS // stride), BAND_PIXELS // stride**2, BAND_PIXELS // stride**2)


def _bands(rows: int, cols: int, grid: CodeGrid) -> Iterator[tuple[slice, slice]]:
    """Divide rows of the code into bands; yield each and the rows around it that the networks must see."""
    step, halo = max(1, BAND_PIXELS // (cols * grid.stride**2)), grid.halo
    for top in range(0, rows, step):
        bottom = min(rows, top + step)
        yield slice(top, bottom), slice(max(0, top - halo), min(rows, bottom + halo))
