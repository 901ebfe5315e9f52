"""Pictures to `.aez` bytes and back, with a loaded model."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import (
    ChunkType,
    Container,
    Header,
    ImageError,
    Limits,
    read_container,
    read_header,
    write_container,
)
from aez.bitstream.container import Buffer
from aez.bitstream.entropy import symbols_digest
from aez.bitstream.header import LATENT_STRIDE, MAX_SIDE
from aez.codec.decoding.latent_access import DEFAULT_QUALITY, QUALITY_MAX, QUALITY_MIN, LatentAccess
from aez.codec.decoding.previews import preview_reduction, stored_preview, thumbnail
from aez.codec.decoding.regions import Region, reduction_of, stored_window
from aez.codec.encoding.alpha_picture import decode_alpha_part, encode_lossy_alpha
from aez.codec.encoding.effort import DEFAULT_EFFORT, effort_of
from aez.codec.encoding.encoder import encode_bands, usual_tile_log2
from aez.codec.encoding.target import Target, psnr_of, reaching_psnr, smallest_within
from aez.codec.model.filter_weights import FilterFit
from aez.codec.model.registry import DEFAULT_MODEL, find_model
from aez.codec.model.weightfile import Weights, read_weights
from aez.codec.networks.quality import POSITION_SCALE
from aez.codec.picture.alpha import LOSSLESS
from aez.codec.picture.fill import filled
from aez.codec.picture.grey import as_stored, coded_samples
from aez.codec.picture.inputs import as_picture
from aez.codec.picture.metadata.chunks import chunks_of, metadata_of, without_thumbnails
from aez.codec.picture.picture import Picture, Pixels
from aez.codec.picture.sources import File
from aez.codec.picture.turning import upright
from aez.codec.runtime.device import choose_device, choose_precision
from aez.codec.runtime.engine import Engine
from aez.codec.symbols.streams import StreamWriter, check_model, read_filter, read_hyper, read_tile, tile_residuals
from aez.codec.symbols.symbols import Symbols
from aez.codec.symbols.tiles import TileAreas
from aez.codec.symbols.windows import Window

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}

Data = Buffer
PREVIEW_QUALITY = 50.0
Progress = Callable[[float], None]


class Codec(LatentAccess):
    """A model on a device, for many pictures. Decoding and encoding are safe from several threads at once.

    Example:
        >>> codec = Codec()
        >>> data = codec.encode(Image.open("photo.png"), quality=60)
        >>> codec.decode(data).save("back.png")
    """

    def __init__(self, model: str | Weights = DEFAULT_MODEL, device: str = "auto", precision: str = "auto") -> None:
        """Load a model.

        Args:
            model: name of a packaged model, path of a weights file, or weights already read.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            precision: of the transforms' residual blocks, ``float32``, ``bfloat16`` or ``auto`` (what is
                faster here: see :func:`aez.codec.runtime.device.choose_precision`).

        Raises:
            ModelError: there is no such model, or it is damaged.
            AezError: the device is not there.
            ValueError: the precision is not known.
        """
        if precision != "auto" and precision not in PRECISIONS:
            raise ValueError(f"precision must be auto, float32 or bfloat16, not {precision!r}")
        self.weights = model if isinstance(model, Weights) else read_weights(find_model(model).path)
        self.device = choose_device(device)
        kind = choose_precision(self.device.type) if precision == "auto" else PRECISIONS[precision]
        self.engine = Engine(self.weights, self.device, kind)
        self.name, self.fingerprint, self.precision = self.weights.name, self.weights.fingerprint, kind
        self.points = self.weights.config.points

    def encode(
        self,
        image: Pixels | Picture | File,
        quality: float = DEFAULT_QUALITY,
        *,
        effort: int = DEFAULT_EFFORT,
        alpha_quality: float = LOSSLESS,
        preview: bool = False,
        tile_log2: int | None = None,
        progress: Progress | None = None,
    ) -> bytes:
        """A picture as the bytes of an `.aez` file.

        Args:
            image: a Pillow image of any mode, an (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8 array: grey, grey
                with alpha, RGB, RGBA, or the path of a picture file. Sides are 1 to 65535 pixels. What cannot be
                carried is converted with a :class:`UserWarning`; a :class:`Picture` carries its warnings itself.
            quality: 1 … 100, any real number.
            effort: 0 (quickest) to 9 (smallest file): time spent on this picture; decoding is the same.
            alpha_quality: 1 … 100, of alpha alone; 100 for no loss, below it whatever lossy form is smallest.
            preview: put a small picture in front, of at most 256 pixels a side; see :meth:`preview`.
            tile_log2: side of the tiles of r in latents (16 pixels each), as a power of two from 4 to 12; 0 for one
                tile, None to choose.
            progress: called with the share of the work done, 0 … 1.

        Raises:
            ImageError: the picture cannot be read or is too large for the format.
            ValueError, TypeError: an argument is out of range or an array of the wrong kind.
        """
        position = self.position_of(quality)
        picture = _announced(image)
        alpha = self._encode_alpha(picture, alpha_quality, effort)
        return self._encode_at(picture, position, effort, alpha, preview, tile_log2, progress)

    def encode_to(
        self,
        image: Pixels | Picture | File,
        target: Target,
        *,
        effort: int = DEFAULT_EFFORT,
        alpha_quality: float = LOSSLESS,
        preview: bool = False,
        tile_log2: int | None = None,
    ) -> bytes:
        """A picture as the file that comes nearest to a target, by search over the quality; see :class:`Target`.

        A size is that of the whole file, kept to and missed by 2 % at most unless quality 100 takes less. A PSNR is
        that of the decoded colour samples, reached and exceeded by 0.05 dB at most where the quality steps are fine
        enough and quality 1 does not reach more. It takes up to 10 encodings, more if the PSNR falls at high qualities.

        Args:
            image: as for :meth:`encode`, and so the other arguments.
            target: what to reach.

        Raises:
            ImageError: the picture cannot be read or is too large, or the target cannot be reached.
            ValueError, TypeError: an argument is out of range or an array of the wrong kind.
        """
        picture = _announced(image)
        last = (self.points - 1) * POSITION_SCALE
        alpha = self._encode_alpha(picture, alpha_quality, effort)

        def at(position: int) -> bytes:
            return self._encode_at(picture, position, effort, alpha, preview, tile_log2, None)

        size = target.size_for(picture.samples.shape[0] * picture.samples.shape[1])
        if size is not None:
            return smallest_within(at, size, last)
        want = picture.samples if picture.alpha is None else filled(picture.samples, picture.alpha)

        def psnr(data: bytes) -> float:
            return psnr_of(want, self.decode_picture(data).samples)

        assert target.psnr is not None  # a target has one field
        return reaching_psnr(at, psnr, target.psnr, last)

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
        """:meth:`encode` at a quality position, with the payload that :meth:`_encode_alpha` made."""
        how = effort_of(effort, self.weights.distortion)
        samples, colour = coded_samples(picture)
        height, width = samples.shape[:2]
        if tile_log2 is None:
            tile_log2 = usual_tile_log2(height, width)
        header = Header(
            width=width,
            height=height,
            fingerprint=self.fingerprint,
            quality=position,
            colour=colour,
            alpha=picture.alpha is not None,
            orientation=picture.orientation,
            tile_log2=tile_log2,
        )
        fit = FilterFit(self.weights, position, 1 if samples.ndim == 2 else 3) if self.weights.has_filter else None
        side = 1 << tile_log2 if tile_log2 else 0
        bands = encode_bands(self.engine, samples, position, how, progress, fit, side)
        metadata = chunks_of(picture.metadata)
        if preview:
            small = thumbnail(replace(picture, samples=as_stored(samples, colour)))
            metadata[ChunkType.PREVIEW] = self.encode(
                small, min(self.quality_of(position), PREVIEW_QUALITY), effort=effort
            )
        return self.pack(header, bands, metadata=metadata, alpha=alpha, fit=fit)

    def _encode_alpha(self, picture: Picture, quality: float, effort: int) -> bytes | None:
        """The payload of the ALPHA chunk, None if there is none; once a picture, however many qualities are tried."""
        if not QUALITY_MIN <= quality <= QUALITY_MAX:
            raise ValueError(f"alpha quality must be from 1 to 100, not {quality}")
        height, width = picture.samples.shape[:2]
        if max(height, width) > MAX_SIDE:
            raise ImageError(f"a picture of {width}×{height} does not fit: sides are at most {MAX_SIDE} pixels")
        return None if picture.alpha is None else encode_lossy_alpha(self, picture.alpha, quality, effort)

    def _alpha(self, part: "_Part") -> NDArray[np.uint8] | None:
        """Opacity of a part, (rows, columns) uint8; None if the picture has none."""
        payload, header = part.container.alpha, part.container.header
        return None if payload is None else decode_alpha_part(self, payload, header, part.window, part.reduction)

    def pack(
        self,
        header: Header,
        symbols: Symbols | Iterable[Symbols],
        *,
        metadata: dict[ChunkType, bytes] | None = None,
        alpha: bytes | None = None,
        fit: FilterFit | None = None,
    ) -> bytes:
        """Entropy-code symbols, whole or in bands from top to bottom, into a file.

        ``metadata`` and ``alpha`` are payloads of further chunks; ``fit`` is asked for the filter when the last band is
        there.
        """
        writer = StreamWriter(self.weights, header)
        for band in [symbols] if isinstance(symbols, Symbols) else symbols:
            writer.add(band)
        pixel_filter = fit.payload() if fit else None
        return write_container(
            Container(header, writer.hyper(), writer.tiles, metadata or {}, alpha, filter=pixel_filter)
        )

    def unpack(self, data: Data, limits: Limits | None = None) -> tuple[Header, Symbols]:
        """Parse a file and decode all of its symbols; no float network runs.

        Raises:
            FormatError, LimitError: the file is damaged, or asks for too much.
            ModelError: it was made with another model.
        """
        container = read_container(data, limits)
        header = container.header
        check_model(header, self.weights)
        z = read_hyper(container, self.weights)
        shape = self.weights.config.latent, *header.latent_shape
        indices, r = np.zeros(shape, np.uint8), np.zeros(shape, np.int16)
        for number, (rows, cols) in enumerate(header.tiles()):
            indices[:, rows, cols], r[:, rows, cols] = read_tile(container, number, z, self.engine)
        return header, Symbols(z, indices, r)

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
        """All that a file holds: samples and alpha as stored, orientation, metadata; of a part without thumbnails.

        Args:
            data: the whole file: bytes, or anything with a buffer, as a memory-mapped file.
            region: column, row, width and height of the part to decode, in pixels of the whole picture at scale 1.
                Only the tiles that it needs are read.
            scale: 1, 1/2, 1/4, 1/8 or 1/16. Every pixel is the average of a square of pixels; squares lie on a grid
                that starts at the picture's first pixel, those at its end may reach beyond it.
            seen: whether ``region`` is meant in the picture turned as it is meant to be seen, not as stored.
            limits: what the file may ask for.
            progress: called with the share of the work done, 0 … 1.

        Raises:
            ImageError: the region is not within the picture.
            ValueError: the scale is another.
            AezError: as :meth:`unpack`.
        """
        part = self._open(data, region, scale, seen, limits)
        with tile_residuals(part.container, part.z, self.engine) as residuals:
            header = part.container.header
            samples = self.engine.decode(
                part.z,
                residuals,
                header.quality,
                header.height,
                header.width,
                progress,
                grey=header.grey,
                region=part.window,
                reduction=part.reduction,
                pixel_filter=read_filter(part.container, self.weights),
            )
        samples = as_stored(samples, header.colour)
        metadata = metadata_of(part.container.metadata)
        metadata = metadata if part.is_whole else without_thumbnails(metadata)
        return Picture(samples, self._alpha(part), header.orientation, metadata)

    def decode_tensor(
        self,
        data: Data,
        *,
        region: Region | None = None,
        scale: float | Fraction = 1,
        limits: Limits | None = None,
        progress: Progress | None = None,
    ) -> torch.Tensor:
        """The picture as stored, on this codec's device; arguments and errors as :meth:`decode_picture`.

        Returns:
            (C, H, W) uint8: 3 channels for RGB, 1 for grey, one more with alpha. The samples are not copied through the
            host.
        """
        part = self._open(data, region, scale, False, limits)
        with tile_residuals(part.container, part.z, self.engine) as residuals:
            header = part.container.header
            samples = self.engine.decode_to_device(
                part.z,
                residuals,
                header.quality,
                header.height,
                header.width,
                progress,
                self.device,
                grey=header.grey,
                region=part.window,
                reduction=part.reduction,
                pixel_filter=read_filter(part.container, self.weights),
            )
        alpha = self._alpha(part)
        if header.colour == "grey RGB":
            samples = samples.expand(-1, -1, 3)
        planes = [samples] if alpha is None else [samples, torch.from_numpy(alpha).to(self.device)[..., None]]
        # Outside of inference mode, so that the result may be used in training.
        return torch.cat(planes, 2).permute(2, 0, 1).contiguous()

    def _open(
        self, data: Data, region: Region | None, scale: float | Fraction, seen: bool, limits: Limits | None
    ) -> "_Part":
        """Parse what is needed of a file for a part of its picture, and decode z."""
        reduction = reduction_of(scale)
        header = read_header(data, limits)
        check_model(header, self.weights)
        whole = Window(0, header.height, 0, header.width)
        area = stored_window(region, header, seen=seen) if region else whole
        window = area.coarser(reduction)
        needed = None
        if region:
            latents = window.coarser(LATENT_STRIDE // reduction)
            reach = self.engine.reach(latents, *header.latent_shape, reduction)
            needed = set(TileAreas(header.tiles()).within(reach))
        container = read_container(data, limits, tiles=needed)
        return _Part(container, read_hyper(container, self.weights), window, reduction, area == whole)

    def decode_array(
        self,
        data: Data,
        *,
        region: Region | None = None,
        scale: float | Fraction = 1,
        limits: Limits | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.uint8]:
        """The picture as stored, not turned by its orientation; arguments and errors as :meth:`decode_picture`.

        Returns:
            uint8: (H, W, 3) for RGB, (H, W) for grey, one channel more, (H, W, 4) or (H, W, 2), with alpha.
        """
        return self.decode_picture(data, region=region, scale=scale, limits=limits, progress=progress).to_array()

    def decode(
        self,
        data: Data,
        *,
        region: Region | None = None,
        scale: float | Fraction = 1,
        limits: Limits | None = None,
        progress: Progress | None = None,
    ) -> Image.Image:
        """The picture as it is meant to be seen; arguments and errors as :meth:`decode_picture`.

        A region is one of the picture as it is meant to be seen.

        Returns:
            A Pillow image of mode RGB, RGBA, L or LA. Its ``info`` holds the metadata under ``icc_profile``, ``exif``
            and ``xmp``, their orientation set to 1 if the picture was turned.
        """
        picture = self.decode_picture(data, region=region, scale=scale, seen=True, limits=limits, progress=progress)
        return upright(picture).to_image()

    def preview(self, data: Data, *, limits: Limits | None = None) -> Image.Image:
        """A small picture as it is meant to be seen: the file's preview, or else its picture at a smaller scale.

        A preview is decoded without a look at what is behind it, so that the first bytes of a file are enough. Without
        one, the scale is the smallest that leaves the longer side 256 pixels or more.

        Raises:
            AezError: as :meth:`unpack`.
        """
        stored = stored_preview(data, limits)
        if stored is not None:
            return self.decode(stored, limits=limits)
        return self.decode(data, scale=Fraction(1, preview_reduction(read_header(data, limits))), limits=limits)

    def digest(self, data: Data, *, limits: Limits | None = None) -> str:
        """SHA-256 of the decoded symbols (SPEC section 9); errors as :meth:`unpack`."""
        _, symbols = self.unpack(data, limits)
        return symbols_digest(symbols.z, symbols.r)


@dataclass(frozen=True)
class _Part:
    """What is needed for a part of a picture.

    Attributes:
        container: the file, the tiles that are not needed empty.
        z: all of it.
        window: the part, on the reduced grid.
        reduction: 1, 2, 4, 8 or 16.
        is_whole: it is all of the picture.
    """

    container: Container
    z: NDArray[np.int16]
    window: Window
    reduction: int
    is_whole: bool


def _announced(image: Pixels | Picture | File) -> Picture:
    """As :func:`as_picture`, with a warning for each thing that is lost; a Picture carries its warnings itself."""
    picture = as_picture(image)
    if picture is not image:
        for warning in picture.warnings:
            warnings.warn(warning, stacklevel=3)
    return picture
