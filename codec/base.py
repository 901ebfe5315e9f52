"""Base class of all codecs of the package: pictures to `.aez` bytes and back."""

from __future__ import annotations

import contextlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import ChunkType, Container, Header, ImageError, Limits, read_container, read_header, write_container
from aez.bitstream.container import Buffer
from aez.bitstream.entropy import symbols_digest
from aez.bitstream.header import MAX_SIDE
from aez.bitstream.limits import TRUSTED
from aez.codec.alpha_picture import decode_alpha_part, encode_lossy_alpha
from aez.codec.decoding.cost import Cost
from aez.codec.decoding.decoder import View
from aez.codec.decoding.previews import preview_reduction, stored_preview
from aez.codec.decoding.regions import stored_window
from aez.codec.encoding.effort import check_effort
from aez.codec.encoding.target import PSNR_TOLERANCE, SCORE_TOLERANCE, Measure, reaching, smallest_within
from aez.codec.geometry.grid import Grid
from aez.codec.geometry.windows import Progress, Window
from aez.codec.layer.blend import covered, layer_work, whole_picture
from aez.codec.layer.plan import BlockCosts
from aez.codec.layered_picture import as_layer, with_layer
from aez.codec.model.quality import QualityScale
from aez.codec.options import DecodeOptions, EncodeOptions
from aez.codec.picture.alpha.fill import filled
from aez.codec.picture.depth import Samples, at_depth, widened
from aez.codec.picture.grey import as_stored
from aez.codec.picture.inputs import as_picture
from aez.codec.picture.metadata.chunks import chunks_of, metadata_of, without_thumbnails
from aez.codec.picture.picture import Picture, Pixels
from aez.codec.picture.previews import thumbnail
from aez.codec.picture.psnr import psnr_of, squared_error
from aez.codec.picture.sources import File
from aez.codec.picture.ssimulacra2 import SMALLEST_SIDE, ssimulacra2_of
from aez.codec.picture.turning import upright
from aez.codec.runtime.choice import require_torch
from aez.codec.symbols.symbols import Symbols

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack

    from aez.codec.options import DecodeSettings, EncodeSettings

Data = Buffer
_GAP = 0.95
"""Share of a size asked for, below which a file with a layer is compared with one without."""
PREVIEW_QUALITY = 50.0
"""Quality of stored previews of pictures that have a higher one."""


class PictureCodec(ABC):
    """A model that encodes pictures to `.aez` files and decodes them; safe to use from several threads.

    Attributes:
        name: of the model.
        layout: latent layout of its files (SPEC section 4).
        fingerprint: 6 bytes that files of the model carry.
        quality_scale: of the model.
        device: where the networks run: ``cpu``, ``cuda`` or ``mps``.
        precision: of the transforms' residual blocks: ``float32`` or ``bfloat16``.
    """

    name: str
    layout: int
    fingerprint: bytes
    quality_scale: QualityScale
    device: str
    precision: str

    def check_effort(self, effort: int) -> None:
        """Refuse an effort, 0 … 9, that needs a package which is not installed.

        Raises:
            AezError: the package is not installed.
            ValueError, TypeError: there is no such effort.
        """
        check_effort(effort)

    @abstractmethod
    def _coded_samples(self, picture: Picture) -> tuple[Samples, str]:
        """Return the samples to code, (H, W, 3) or (H, W), and the header's name for their colour."""

    @abstractmethod
    def encode_samples(
        self,
        samples: Samples,
        header: Header,
        options: EncodeOptions,
        progress: Progress | None = None,
        *,
        beneath: bool = False,
    ) -> Container:
        """Encode samples to a file without metadata and alpha.

        Args:
            samples: (H, W, 3) or (H, W) uint8.
            header: of the file, without what depends on the kind of model: layout and tiles.
            options: of encoding.
            progress: called with the share of the work done.
            beneath: the samples lie beneath a layer, which has the graphics.
        """

    def block_costs(self, samples: Samples, header: Header) -> BlockCosts | None:
        """Return what the blocks of a picture cost without a layer; None if the model cannot say."""
        return None

    def error_worth(self, header: Header) -> float:
        """Return the bits that a unit of squared error, summed over samples / 255, is worth at a file's quality."""
        return self.quality_scale.distortion_weight(header.quality) / (1 if header.grey else 3)

    def loss_bits(self, decoded: Samples, samples: Samples, header: Header) -> float:
        """Return the bits that the distortion of a picture is worth at a file's quality, as the model measures it."""
        return self.error_worth(header) * squared_error(decoded, samples)

    @abstractmethod
    def _check(self, header: Header) -> None:
        """Refuse a file of another model, or of a kind that the model does not have."""

    @abstractmethod
    def _needed_tiles(self, header: Header, view: View) -> set[int] | None:
        """Return the numbers of the tiles that a view needs; None for all."""

    @abstractmethod
    def _cost(self, header: Header, view: View | None) -> Cost:
        """Estimate what decoding a view takes, alpha aside; None for all symbols without pixels."""

    @abstractmethod
    def _decode_samples(self, container: Container, view: View, progress: Progress | None) -> Samples:
        """Decode a view, (rows, columns, 3) or (rows, columns): uint8, or uint16 up to 2**depth − 1."""

    @abstractmethod
    def _symbols(self, container: Container) -> Symbols:
        """Decode all symbols of a file."""

    def encode(
        self,
        image: Pixels | Picture | File,
        quality: float | None = None,
        *,
        frame: int | None = None,
        progress: Progress | None = None,
        **settings: Unpack[EncodeSettings],
    ) -> bytes:
        """Encode a picture to the bytes of an `.aez` file.

        With a target, the quality is found by a search of up to 10 encodings, more if the PSNR falls at high
        qualities. A size is that of the whole file; it is kept to, and missed by 2 % at most unless quality 100 takes
        less. A PSNR or score is that of the decoded colour samples; it is reached, and exceeded by 0.05 dB or 0.3 at
        most where the quality steps are fine enough and quality 1 does not reach more.

        Args:
            image: a Pillow image of any mode, an (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) array of uint8 or uint16
                (grey, grey with alpha, RGB, RGBA), or the path of a picture file. Sides are 1 to 65535 pixels. What
                cannot be carried is converted with a :class:`UserWarning`; a :class:`Picture` carries its warnings
                itself.
            quality: 1 … 100, any real number.
            frame: number of the frame of a picture file, from 1; None for the first one.
            progress: called with the share of the work done, 0 … 1; not with a target, whose search has no known end.
            settings: the other fields of :class:`aez.codec.options.EncodeOptions`.

        Raises:
            ImageError: the picture cannot be read or is too large, or the target cannot be reached.
            ValueError, TypeError: an argument is out of range or of the wrong type.
        """
        return self.encode_with(_announced(image, frame), EncodeOptions.of(quality, **settings), progress)

    def encode_with(self, picture: Picture, options: EncodeOptions, progress: Progress | None = None) -> bytes:
        """Encode a picture with options given as one object; otherwise as :meth:`encode`."""
        alpha = self._encode_alpha(picture, options)
        if options.target is not None:
            return self._search(picture, options, alpha)
        return self._encode_at(picture, self.quality_scale.position_of(options.quality), options, alpha, progress)

    def _search(self, picture: Picture, options: EncodeOptions, alpha: bytes | None) -> bytes:
        """Find the file that comes nearest to a target."""
        assert options.target is not None  # the caller's case
        last = self.quality_scale.last

        def at(position: int) -> bytes:
            return self._encode_at(picture, position, options, alpha, None)

        size = options.target.size_for(picture.samples.shape[0] * picture.samples.shape[1])
        if size is not None:
            data = smallest_within(at, size, last)
            # A layer appears at some quality at once: just below its size, the picture is better without it.
            if options.content == "auto" and len(data) < _GAP * size:
                with contextlib.suppress(ImageError):  # it may not be reached without a layer
                    plain = self._search(picture, replace(options, content="photo"), alpha)
                    data = min(data, plain, key=self._loss_in(picture))
            return data
        want = picture.samples if picture.alpha is None else filled(picture.samples, picture.alpha)
        want = at_depth(want, options.depth or picture.depth)

        def measured(function: Callable[[Samples, Samples], float]) -> Callable[[bytes], float]:
            return lambda data: function(want, self.decode_picture(data, limits=TRUSTED).samples)

        if options.target.psnr is not None:
            return reaching(at, Measure(measured(psnr_of), PSNR_TOLERANCE, "{} dB"), options.target.psnr, last)
        assert options.target.score is not None  # a target has one field
        if min(want.shape[:2]) < SMALLEST_SIDE:
            raise ImageError(f"a score needs sides of at least {SMALLEST_SIDE} pixels")
        measure = Measure(measured(ssimulacra2_of), SCORE_TOLERANCE, "a score of {}")
        return reaching(at, measure, options.target.score, last)

    def _loss_in(self, picture: Picture) -> Callable[[bytes], float]:
        """Return the distortion of a file as a function, in any unit."""
        samples, _ = self._coded_samples(picture)

        def loss(data: bytes) -> float:
            shown = self.decode_picture(data, limits=TRUSTED).samples
            shown = shown[..., 0] if shown.ndim > samples.ndim else shown
            header = replace(read_header(data, TRUSTED), quality=self.quality_scale.last)
            return self.loss_bits(shown, at_depth(samples, header.depth), header)

        return loss

    def _encode_at(
        self,
        picture: Picture,
        position: int,
        options: EncodeOptions,
        alpha: bytes | None,
        progress: Progress | None,
    ) -> bytes:
        """Encode at a quality position, with the payload that :meth:`_encode_alpha` made."""
        # Without loss, the colours of transparent pixels are kept, too.
        samples, colour = self._coded_samples(replace(picture, alpha=None) if options.lossless else picture)
        header = Header(
            width=samples.shape[1],
            height=samples.shape[0],
            fingerprint=self.fingerprint,
            quality=position,
            colour=colour,
            layout=self.layout,
            depth=options.depth or picture.depth,
            alpha=picture.alpha is not None,
            orientation=picture.orientation,
        )
        metadata = chunks_of(picture.metadata)
        if options.preview:
            small = thumbnail(replace(picture, samples=as_stored(samples, colour)))
            quality = min(self.quality_scale.quality_of(position), PREVIEW_QUALITY)
            metadata[ChunkType.PREVIEW] = self.encode(small, quality, effort=options.effort, depth=header.depth)
        container = None
        if options.lossless or options.content == "graphics":
            container = as_layer(self, picture, at_depth(samples, header.depth), header, options)
        elif options.content == "auto" and header.depth == 8:
            container = with_layer(self, picture, at_depth(samples, 8), header, options, alpha, progress)
        if container is None:
            container = self.encode_samples(samples, header, options, progress)
        return write_container(replace(container, metadata=metadata, alpha=None if container.whole else alpha))

    def _encode_alpha(self, picture: Picture, options: EncodeOptions) -> bytes | None:
        """Make the payload of the ALPHA chunk, None if there is none; once, however many qualities are tried."""
        height, width = picture.samples.shape[:2]
        if max(height, width) > MAX_SIDE:
            raise ImageError(f"a picture of {width}×{height} does not fit: sides are at most {MAX_SIDE} pixels")
        if picture.alpha is None:
            return None
        return encode_lossy_alpha(self, picture.alpha, options.alpha_quality, options.effort)

    def decode_picture(
        self,
        data: Data,
        *,
        seen: bool = False,
        progress: Progress | None = None,
        **settings: Unpack[DecodeSettings],
    ) -> Picture:
        """Decode all that a file holds: samples and alpha as stored, orientation, metadata.

        Thumbnails in the metadata are left out of a part.

        Args:
            data: the whole file: bytes, or anything with a buffer, as a memory-mapped file.
            seen: take the region in the picture turned for display, not as stored.
            progress: called with the share of the work done, 0 … 1.
            settings: the fields of :class:`aez.codec.options.DecodeOptions`.

        Raises:
            FormatError, LimitError: the file is damaged, or asks for too much.
            ModelError: it was made with another model.
            ImageError: the region is not within the picture.
            ValueError: an option is out of range.
        """
        options = DecodeOptions.of(**settings)
        container, view, whole = self._open(data, options, seen=seen)
        header = container.header
        samples, alpha = self._decode_view(container, view, progress, options.limits)
        metadata = metadata_of(container.metadata)
        metadata = metadata if whole else without_thumbnails(metadata)
        samples = as_stored(samples, header.colour)
        return Picture(samples, alpha, header.orientation, metadata, deep_bits=header.depth)

    def _decode_view(
        self, container: Container, view: View, progress: Progress | None, limits: Limits | None
    ) -> tuple[Samples, NDArray[np.uint8] | None]:
        """Decode samples, with the layer over them, and alpha of a view."""
        header, at = container.header, (view.window, view.reduction)
        if container.layer is not None and container.whole:
            return whole_picture(container.layer, header, *at)
        samples = self._decode_samples(container, view, progress)
        if container.layer is not None:
            samples = covered(samples, container.layer, header, *at)
        return widened(samples, header.depth), self._decode_alpha(container, view, limits)

    def _open(self, data: Data, options: DecodeOptions, *, seen: bool) -> tuple[Container, View, bool]:
        """Parse what a view needs of a file; the last value says whether the view is of the whole picture."""
        header = read_header(data, options.limits)
        self._check(header)
        whole = Window(0, header.height, 0, header.width)
        area = stored_window(options.region, header, seen=seen) if options.region else whole
        view = View(Grid.of(header), area.coarser(options.reduction), options.reduction)
        needed = self._needed_tiles(header, view) if options.region else None
        container = read_container(data, options.limits, tiles=needed)
        self._check_cost(container, view, options.limits or Limits())
        return container, view, area == whole

    def _check_cost(self, container: Container, view: View, limits: Limits) -> None:
        """Refuse a view that takes more memory or symbols than the limits allow, before memory is taken for it."""
        header = container.header
        cost = Cost(4 * prod(view.window.shape), 0) if container.whole else self._cost(header, view)
        if container.layer is not None:
            memory, symbols = layer_work(container.layer, header, view.window, view.reduction)
            cost = Cost(cost.memory + memory, cost.symbols + symbols)
        cost.check(limits)

    def _decode_alpha(self, container: Container, view: View, limits: Limits | None) -> NDArray[np.uint8] | None:
        """Decode the alpha of a view, (rows, columns) uint8; None if the picture has none."""
        if container.alpha is None:
            return None
        return decode_alpha_part(self, container.alpha, container.header, view, limits or Limits())

    def decode_array(
        self, data: Data, *, progress: Progress | None = None, **settings: Unpack[DecodeSettings]
    ) -> Samples:
        """Decode the picture as stored, not turned for display; arguments and errors as :meth:`decode_picture`.

        Returns:
            (H, W, 3) for RGB, (H, W) for grey; with alpha one channel more, (H, W, 4) or (H, W, 2). They are uint8;
            of files of 10, 12 or 16 bits per sample uint16, 0 … 2**depth − 1, alpha scaled to the same range.
        """
        return self.decode_picture(data, progress=progress, **settings).to_array()

    def decode_tensor(
        self, data: Data, *, progress: Progress | None = None, **settings: Unpack[DecodeSettings]
    ) -> torch.Tensor:
        """Decode the picture as stored to a tensor on this codec's device; arguments and errors as `decode_picture`.

        Returns:
            (C, H, W): 3 channels for RGB, 1 for grey, one more with alpha. They are uint8; of files of 10, 12 or 16
            bits per sample uint16, 0 … 2**depth − 1, alpha scaled to the same range.
        """
        require_torch("a tensor")
        return self._tensor_of(self.decode_array(data, progress=progress, **settings))

    def _tensor_of(self, array: Samples) -> torch.Tensor:
        """Return (H, W) or (H, W, C) as a tensor (C, H, W) on this codec's device."""
        import torch

        return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(array).transpose(2, 0, 1))).to(self.device)

    def decode(
        self, data: Data, *, progress: Progress | None = None, **settings: Unpack[DecodeSettings]
    ) -> Image.Image:
        """Decode the picture as it is meant to be seen; arguments and errors as :meth:`decode_picture`.

        A region is one of the picture turned for display.

        Returns:
            A Pillow image of mode RGB, RGBA, L or LA; of a deep grey picture without alpha I;16, over the whole range
            of 16 bits. Pillow has no mode for other deep pictures, which are rounded to 8 bits;
            :meth:`decode_array` gives all bits. Its ``info`` holds the metadata under ``icc_profile``, ``exif``
            and ``xmp``, their orientation set to 1 if the picture was turned.
        """
        return upright(self.decode_picture(data, seen=True, progress=progress, **settings)).to_image()

    def preview(self, data: Data, *, limits: Limits | None = None) -> Image.Image:
        """Decode a small picture as it is meant to be seen: the file's preview, or its picture at a smaller scale.

        A preview is decoded without a look at what is behind it, so that the first bytes of a file are enough. Without
        one, the scale is the smallest that leaves the longer side 256 pixels or more.

        Raises:
            AezError: as :meth:`decode_picture`.
        """
        stored = stored_preview(data, limits)
        if stored is not None:
            return self.decode(stored, limits=limits)
        return self.decode(data, scale=Fraction(1, preview_reduction(read_header(data, limits))), limits=limits)

    def unpack(self, data: Data, limits: Limits | None = None) -> tuple[Header, Symbols]:
        """Parse a file and decode all of its symbols; no float network runs.

        Raises:
            FormatError, LimitError: the file is damaged, or asks for too much.
            ModelError: it was made with another model.
        """
        header = read_header(data, limits)
        self._check(header)
        self._cost(header, None).check(limits or Limits())
        return header, self._symbols(read_container(data, limits))

    def digest(self, data: Data, *, limits: Limits | None = None) -> str:
        """Return the SHA-256 of the decoded symbols (SPEC section 9); errors as :meth:`unpack`."""
        _, symbols = self.unpack(data, limits)
        return symbols_digest(symbols.z, symbols.r)


def _announced(image: Pixels | Picture | File, frame: int | None) -> Picture:
    """Read a picture and warn of each thing that is lost; a Picture carries its warnings itself."""
    picture = as_picture(image, frame)
    if picture is not image:
        for warning in picture.warnings:
            warnings.warn(warning, stacklevel=3)
    return picture
