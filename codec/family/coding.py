"""Files of the family: pictures to `.aez` bytes of latent layout 1 and back."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from aez.bitstream import Container, FormatError, Header, Limits, ModelError, read_container, write_container
from aez.bitstream.container import ChunkType
from aez.bitstream.entropy import decode_residual, encode_residual
from aez.bitstream.escapes import MAX_MAGNITUDE
from aez.codec.codec import PREVIEW_QUALITY, Codec, Data, Progress
from aez.codec.decoding.previews import thumbnail
from aez.codec.decoding.regions import Region, averaged, reduction_of, stored_window
from aez.codec.encoding.alpha_picture import decode_alpha_part
from aez.codec.encoding.effort import effort_of
from aez.codec.family.base import FamilyModel
from aez.codec.family.code_model import CodeModel
from aez.codec.family.members import read_family
from aez.codec.model.registry import find_model
from aez.codec.networks.quality import POSITION_SCALE
from aez.codec.picture.fill import filled
from aez.codec.picture.metadata.chunks import chunks_of, metadata_of, without_thumbnails
from aez.codec.picture.picture import Picture
from aez.codec.runtime.device import choose_device
from aez.codec.symbols.symbols import Symbols
from aez.codec.symbols.windows import Window

LAYOUT = 1
BAND_PIXELS = 2**22
"""Pixels that the networks see at a time."""


class FamilyCodec(Codec):
    """A member of the autoencoder family with the interface of :class:`Codec`.

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
        self.device = choose_device(device)
        self.model = found.to(self.device)
        self.name, self.fingerprint, self.precision = found.NAME, found.fingerprint, torch.float32
        self.points = found.points
        self._tables = found.table_set()

    def _encode_at(
        self,
        picture: Picture,
        position: int,
        effort: int,
        alpha: bytes | None,
        preview: bool,
        tile_log2: int | None,
        progress: Progress | None,
    ) -> bytes:
        """One TILE with the whole code; see :meth:`Codec._encode_at`."""
        effort_of(effort)
        if tile_log2:
            raise ValueError("files of the autoencoder family have one tile")
        samples = picture.samples if picture.alpha is None else filled(picture.samples, picture.alpha)
        height, width = samples.shape[:2]
        header = Header(
            width=width,
            height=height,
            fingerprint=self.fingerprint,
            quality=position,
            colour="grey" if samples.ndim == 2 else "RGB",
            alpha=picture.alpha is not None,
            orientation=picture.orientation,
            layout=LAYOUT,
        )
        code = self.code_of(samples, position, progress)
        metadata = chunks_of(picture.metadata)
        if preview:
            small = thumbnail(picture)
            metadata[ChunkType.PREVIEW] = self.encode(small, min(self.quality_of(position), PREVIEW_QUALITY))
        indices = self._indices(position, code.shape[1:])
        tile = encode_residual(code, indices, self._tables, 0)
        return write_container(Container(header, b"", [tile], metadata, alpha))

    def _indices(self, position: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The table of each element of the code, (C, rows, columns)."""
        index = self.model.table_index(position)[:, None, None]
        return np.ascontiguousarray(np.broadcast_to(index, (len(index), *shape)))

    @torch.inference_mode()
    def code_of(self, samples: NDArray[np.uint8], position: int, progress: Progress | None = None) -> NDArray[np.int16]:
        """The code of a picture, (H, W, 3) or (H, W) uint8: (C, ceil(H/S), ceil(W/S)) int16."""
        height, width = samples.shape[:2]
        stride = self.model.STRIDE
        rows, cols = -(-height // stride), -(-width // stride)
        out = np.empty((self.model.channels, rows, cols), np.int16)
        at = torch.tensor([position / POSITION_SCALE], device=self.device)
        for core, outer in _bands(rows, cols, stride, self.model.HALO):
            pixels = samples[outer.start * stride : outer.stop * stride]
            missing = ((0, (outer.stop - outer.start) * stride - len(pixels)), (0, cols * stride - width))
            pixels = np.pad(pixels.reshape(*pixels.shape[:2], -1), (*missing, (0, 0)), mode="edge")
            x = torch.from_numpy(pixels).to(self.device).permute(2, 0, 1)[None].float() / 255 - 0.5
            code = self.model.encode_code(x.expand(-1, 3, -1, -1).contiguous(), at)[0]
            code = code.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE).round().to(torch.int16).cpu()
            out[:, core] = code[:, core.start - outer.start : core.stop - outer.start].numpy()
            if progress:
                progress(core.stop / rows)
        return out

    @torch.inference_mode()
    def pixels_of(
        self,
        code: NDArray[np.int16],
        position: int,
        height: int,
        width: int,
        *,
        grey: bool,
        progress: Progress | None = None,
    ) -> NDArray[np.uint8]:
        """A code to samples: (H, W, 3) uint8, or (H, W) if it is grey."""
        stride = self.model.STRIDE
        rows, cols = code.shape[1:]
        out = np.empty((height, width) if grey else (height, width, 3), np.uint8)
        at = torch.tensor([position / POSITION_SCALE], device=self.device)
        for core, outer in _bands(rows, cols, stride, self.model.HALO):
            part = torch.from_numpy(code[:, outer].astype(np.float32))[None].to(self.device)
            x = self.model.decode_code(part, at)[0, :, :, :width]
            x = x.mean(0, keepdim=True) if grey else x
            x = ((x + 0.5) * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
            top = (core.start - outer.start) * stride
            bottom = min(core.stop * stride, height)
            band = x[top : top + bottom - core.start * stride].cpu().numpy()
            out[core.start * stride : bottom] = band[:, :, 0] if grey else band
            if progress:
                progress(core.stop / rows)
        return out

    def unpack(self, data: Data, limits: Limits | None = None) -> tuple[Header, Symbols]:
        """Parse a file and decode its code: r of the result; its z is empty.

        Raises:
            FormatError, LimitError: the file is damaged, or asks for too much.
            ModelError: it was made with another model.
        """
        container = read_container(data, limits)
        return container.header, self._symbols(container)

    def _symbols(self, container: Container) -> Symbols:
        """The code of a file; errors as :meth:`unpack`."""
        header = container.header
        self._check(header)
        if container.hyper:
            raise FormatError("a file of this layout has no hyper-latent")
        shape = -(-header.height // self.model.STRIDE), -(-header.width // self.model.STRIDE)
        indices = self._indices(header.quality, shape)
        code, _ = decode_residual(container.tiles[0], indices, self._tables, 0)
        return Symbols(np.zeros((0, *shape), np.int16), indices, code)

    def _check(self, header: Header) -> None:
        """Refuse a file of another model, or one that this layout does not have."""
        if header.fingerprint != self.fingerprint:
            raise ModelError(
                f"made with another model (fingerprint {header.fingerprint.hex()}; "
                f"{self.model.NAME!r} is {self.fingerprint.hex()})"
            )
        if header.layout != LAYOUT or header.depth != 8 or header.tile_log2 or header.colour == "grey RGB":
            raise FormatError("files of this model are 8-bit, RGB or grey, of latent layout 1, in one tile")
        if header.quality > (self.points - 1) * POSITION_SCALE:
            raise FormatError(f"quality position {header.quality} is beyond the model's")

    def decode_picture(
        self,
        data: Data,
        *,
        region: Region | None = None,
        scale: float | Fraction = 1,
        seen: bool = False,
        limits: Limits | None = None,
        progress: Progress | None = None,
    ) -> Picture:
        """All that a file holds; see :meth:`Codec.decode_picture`."""
        reduction = reduction_of(scale)
        container = read_container(data, limits)
        header, symbols = container.header, self._symbols(container)
        whole = Window(0, header.height, 0, header.width)
        area = stored_window(region, header, seen=seen) if region else whole
        window = area.coarser(reduction)
        samples = self.pixels_of(
            symbols.r, header.quality, header.height, header.width, grey=header.grey, progress=progress
        )
        part = window.scaled(reduction, header.height, header.width)
        cut = samples[part.slices[1:]]
        planes = [averaged(plane, reduction, window) for plane in np.atleast_3d(cut).transpose(2, 0, 1)]
        alpha = None
        if container.alpha is not None:
            alpha = decode_alpha_part(self, container.alpha, header, window, reduction)
        shaped = planes[0] if samples.ndim == 2 else np.dstack(planes)
        metadata = metadata_of(container.metadata)
        return Picture(shaped, alpha, header.orientation, metadata if area == whole else without_thumbnails(metadata))

    def decode_tensor(
        self,
        data: Data,
        *,
        region: Region | None = None,
        scale: float | Fraction = 1,
        limits: Limits | None = None,
        progress: Progress | None = None,
    ) -> torch.Tensor:
        """(C, H, W) uint8 on this codec's device; see :meth:`Codec.decode_tensor`."""
        picture = self.decode_picture(data, region=region, scale=scale, limits=limits, progress=progress)
        return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(picture.to_array()).transpose(2, 0, 1))).to(
            self.device
        )


def _bands(rows: int, cols: int, stride: int, halo: int) -> Iterator[tuple[slice, slice]]:
    """Rows of the code to compute, and the rows around them that the networks must see."""
    step = max(1, BAND_PIXELS // (cols * stride**2))
    for top in range(0, rows, step):
        bottom = min(rows, top + step)
        yield slice(top, bottom), slice(max(0, top - halo), min(rows, bottom + halo))
