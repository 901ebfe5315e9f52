"""Files of the family: pictures to `.aez` bytes of latent layout 1 and back."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Container, FormatError, Header, ModelError
from aez.bitstream.entropy import decode_residual, encode_residual
from aez.codec.base import PictureCodec
from aez.codec.decoding.decoder import View
from aez.codec.family.code import Code
from aez.codec.family.code_networks import code_networks
from aez.codec.family.members import CodeGrid
from aez.codec.family.weightfile import FamilyWeights, read_family_weights
from aez.codec.geometry.windows import Progress
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


class FamilyCodec(PictureCodec):
    """A member of the autoencoder family as a codec.

    The effort changes nothing. A region is cut out of the whole picture. Grey pictures are coded as RGB.

    Attributes:
        code: the model's code.
        networks: its encoder and its decoder.
        runtime: what computes them, ``light`` or ``torch``.
    """

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

    def _encode_samples(
        self, samples: Samples, header: Header, options: EncodeOptions, progress: Progress | None
    ) -> Container:
        if options.tile_log2:
            raise ValueError("files of the autoencoder family have one tile")
        code = self.code_of(samples, header.quality, progress)
        indices = self.code.indices(header.quality, self.code.sides(*samples.shape[:2]))
        tile = encode_residual(code, indices, self.code.tables, 0)
        return Container(replace(header, layout=LAYOUT), b"", [tile], {}, None)

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
        stride, channels = self.code.grid.stride, 1 if header.grey else 3
        rows, cols = code.shape[1:]
        out: Samples = np.empty((header.height, header.width, channels), np.uint8 if header.depth == 8 else np.uint16)
        for core, outer in _bands(rows, cols, self.code.grid):
            pixels = self.networks.decode(code[:, outer], header.quality, channels, header.depth)
            inside = out[core.start * stride : core.stop * stride]
            top = (core.start - outer.start) * stride
            inside[:] = pixels[top : top + len(inside), : header.width]
            if progress:
                progress(core.stop / rows)
        return out[:, :, 0] if header.grey else out

    def _symbols(self, container: Container) -> Symbols:
        """Decode the code of a file, as r; z is empty."""
        header = container.header
        if container.hyper:
            raise FormatError("a file of this layout has no hyper-latent")
        sides = self.code.sides(header.height, header.width)
        indices = self.code.indices(header.quality, sides)
        code, _ = decode_residual(container.tiles[0], indices, self.code.tables, 0)
        return Symbols(np.zeros((0, *sides), np.int16), indices, code)

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
        samples = self.pixels_of(self._symbols(container).r, container.header, progress)
        part = view.window.scaled(view.reduction, view.grid.height, view.grid.width)
        cut = np.atleast_3d(samples[part.pixel_index])
        planes = [averaged(plane, view.reduction, view.window.shape) for plane in cut.transpose(2, 0, 1)]
        return planes[0] if samples.ndim == 2 else np.dstack(planes)


def _bands(rows: int, cols: int, grid: CodeGrid) -> Iterator[tuple[slice, slice]]:
    """Divide rows of the code into bands; yield each and the rows around it that the networks must see."""
    step, halo = max(1, BAND_PIXELS // (cols * grid.stride**2)), grid.halo
    for top in range(0, rows, step):
        bottom = min(rows, top + step)
        yield slice(top, bottom), slice(max(0, top - halo), min(rows, bottom + halo))
