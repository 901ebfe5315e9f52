"""Files of the family: pictures to `.aez` bytes of latent layout 1 and back."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from aez.bitstream import Container, FormatError, Header, ModelError
from aez.bitstream.entropy import decode_residual, encode_residual
from aez.bitstream.escapes import MAX_MAGNITUDE
from aez.bitstream.sizes import ceil_div
from aez.codec.base import PictureCodec
from aez.codec.decoding.decoder import View
from aez.codec.family.base import FamilyModel
from aez.codec.family.code_model import CodeModel
from aez.codec.family.members import read_family
from aez.codec.geometry.windows import Progress
from aez.codec.model.quality import POSITION_SCALE, QualityScale
from aez.codec.model.registry import find_model
from aez.codec.options import EncodeOptions
from aez.codec.picture.alpha.fill import filled
from aez.codec.picture.averages import averaged
from aez.codec.picture.picture import Picture
from aez.codec.runtime.torch.device import choose_device
from aez.codec.symbols.symbols import Symbols

LAYOUT = 1
"""The latent layout of files here: one stream, of a code on a grid."""
BAND_PIXELS = 2**22
"""Pixels that the networks see at a time."""


class FamilyCodec(PictureCodec):
    """A member of the autoencoder family as a codec.

    The effort changes nothing. A region is cut out of the whole picture. Grey pictures are coded as RGB.
    """

    def __init__(self, model: str | FamilyModel, device: str = "auto") -> None:
        """Load a model.

        Args:
            model: name of a packaged member, path of a weights file, or a model.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

        Raises:
            ModelError: there is no such model, it is damaged, or it is not one that compresses.
            AezError: the device is not there.
        """
        found = model if isinstance(model, FamilyModel) else read_family(find_model(model).path)
        if not isinstance(found, CodeModel):
            raise ModelError(f"{found.NAME} is not a model that compresses")
        self.place = choose_device(device)
        self.device, self.precision = self.place.type, "float32"
        self.model = found.to(self.place)
        self.name, self.fingerprint = found.NAME, found.fingerprint
        self.quality_scale = QualityScale(found.points)
        self._tables = found.table_set()

    def _coded_samples(self, picture: Picture) -> tuple[NDArray[np.uint8], str]:
        samples = picture.samples if picture.alpha is None else filled(picture.samples, picture.alpha)
        return samples, "grey" if samples.ndim == 2 else "RGB"

    def _encode_samples(
        self, samples: NDArray[np.uint8], header: Header, options: EncodeOptions, progress: Progress | None
    ) -> Container:
        if options.tile_log2:
            raise ValueError("files of the autoencoder family have one tile")
        code = self.code_of(samples, header.quality, progress)
        tile = encode_residual(code, self._indices(header.quality, code.shape[1:]), self._tables, 0)
        return Container(replace(header, layout=LAYOUT), b"", [tile], {}, None)

    def _indices(self, position: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Return the table of each element of the code, (C, rows, columns)."""
        index = self.model.table_index(position)[:, None, None]
        return np.ascontiguousarray(np.broadcast_to(index, (len(index), *shape)))

    @torch.inference_mode()
    def code_of(self, samples: NDArray[np.uint8], position: int, progress: Progress | None = None) -> NDArray[np.int16]:
        """Encode a picture, (H, W, 3) or (H, W) uint8, to its code, (C, ceil(H/S), ceil(W/S)) int16."""
        height, width = samples.shape[:2]
        stride = self.model.STRIDE
        rows, cols = ceil_div(height, stride), ceil_div(width, stride)
        out = np.empty((self.model.channels, rows, cols), np.int16)
        at = torch.tensor([position / POSITION_SCALE], device=self.place)
        for core, outer in _bands(rows, cols, stride, self.model.HALO):
            pixels = samples[outer.start * stride : outer.stop * stride]
            missing = ((0, (outer.stop - outer.start) * stride - len(pixels)), (0, cols * stride - width))
            pixels = np.pad(pixels.reshape(*pixels.shape[:2], -1), (*missing, (0, 0)), mode="edge")
            x = torch.from_numpy(pixels).to(self.place).permute(2, 0, 1)[None].float() / 255 - 0.5
            code = self.model.encode_code(x.expand(-1, 3, -1, -1).contiguous(), at)[0]
            code = code.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE).round().to(torch.int16).cpu()
            out[:, core] = code[:, core.start - outer.start : core.stop - outer.start].numpy()
            if progress:
                progress(core.stop / rows)
        return out

    @torch.inference_mode()
    def pixels_of(self, code: NDArray[np.int16], header: Header, progress: Progress | None = None) -> NDArray[np.uint8]:
        """Decode a code to samples: (H, W, 3) uint8, or (H, W) if the picture is grey."""
        stride, height, width = self.model.STRIDE, header.height, header.width
        rows, cols = code.shape[1:]
        out = np.empty((height, width) if header.grey else (height, width, 3), np.uint8)
        at = torch.tensor([header.quality / POSITION_SCALE], device=self.place)
        for core, outer in _bands(rows, cols, stride, self.model.HALO):
            part = torch.from_numpy(code[:, outer].astype(np.float32))[None].to(self.place)
            x = self.model.decode_code(part, at)[0, :, :, :width]
            x = x.mean(0, keepdim=True) if header.grey else x
            x = ((x + 0.5) * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
            top = (core.start - outer.start) * stride
            bottom = min(core.stop * stride, height)
            band = x[top : top + bottom - core.start * stride].cpu().numpy()
            out[core.start * stride : bottom] = band[:, :, 0] if header.grey else band
            if progress:
                progress(core.stop / rows)
        return out

    def _symbols(self, container: Container) -> Symbols:
        """Decode the code of a file, as r; z is empty."""
        header = container.header
        if container.hyper:
            raise FormatError("a file of this layout has no hyper-latent")
        shape = ceil_div(header.height, self.model.STRIDE), ceil_div(header.width, self.model.STRIDE)
        indices = self._indices(header.quality, shape)
        code, _ = decode_residual(container.tiles[0], indices, self._tables, 0)
        return Symbols(np.zeros((0, *shape), np.int16), indices, code)

    def _check(self, header: Header) -> None:
        if header.fingerprint != self.fingerprint:
            raise ModelError(
                f"made with another model (fingerprint {header.fingerprint.hex()}; "
                f"{self.model.NAME!r} is {self.fingerprint.hex()})"
            )
        if header.layout != LAYOUT or header.depth != 8 or header.tile_log2 or header.colour == "grey RGB":
            raise FormatError("files of this model are 8-bit, RGB or grey, of latent layout 1, in one tile")
        if header.quality > self.quality_scale.last:
            raise FormatError(f"quality position {header.quality} is beyond the model's")

    def _needed_tiles(self, header: Header, view: View) -> set[int] | None:
        return None

    def _decode_samples(self, container: Container, view: View, progress: Progress | None) -> NDArray[np.uint8]:
        samples = self.pixels_of(self._symbols(container).r, container.header, progress)
        part = view.window.scaled(view.reduction, view.grid.height, view.grid.width)
        cut = np.atleast_3d(samples[part.pixel_index])
        planes = [averaged(plane, view.reduction, view.window.shape) for plane in cut.transpose(2, 0, 1)]
        return planes[0] if samples.ndim == 2 else np.dstack(planes)


def _bands(rows: int, cols: int, stride: int, halo: int) -> Iterator[tuple[slice, slice]]:
    """Divide rows of the code into bands; yield each and the rows around it that the networks must see."""
    step = max(1, BAND_PIXELS // (cols * stride**2))
    for top in range(0, rows, step):
        bottom = min(rows, top + step)
        yield slice(top, bottom), slice(max(0, top - halo), min(rows, bottom + halo))
