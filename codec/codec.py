"""The codec itself: a hyperprior model on a device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from aez.bitstream import Container, Header, ModelError, write_container
from aez.bitstream.limits import TRUSTED
from aez.bitstream.sizes import ceil_div
from aez.codec.autoencoder import latents_of, picture_of
from aez.codec.base import Data, PictureCodec
from aez.codec.decoding.cost import Cost, symbols_cost, view_cost
from aez.codec.decoding.decoder import Decoder, View
from aez.codec.decoding.rate_map import rate_map
from aez.codec.encoding.effort import effort_of
from aez.codec.encoding.encoder import EncodedBand, default_tile_log2, encode_bands, joined_fit, tile_side
from aez.codec.encoding.setting import Setting
from aez.codec.geometry.grid import Grid
from aez.codec.geometry.windows import Progress
from aez.codec.layer.plan import BlockCosts, block_errors
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.registry import DEFAULT_MODEL, find_model
from aez.codec.model.weightfile import Weights, read_weights
from aez.codec.options import DecodeOptions, EncodeOptions
from aez.codec.picture.depth import Samples, at_depth, levels_of, narrowed
from aez.codec.picture.grey import as_stored, coded_samples
from aez.codec.picture.perception import perceptual_slope
from aez.codec.picture.picture import Picture, Pixels
from aez.codec.picture.sources import File
from aez.codec.runtime.choice import networks_for, require_torch
from aez.codec.symbols.representation import Latents
from aez.codec.symbols.streams import LAYOUT, StreamReader, StreamWriter, check_model
from aez.codec.symbols.symbols import Symbols
from aez.codec.symbols.tiles import TileAreas

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack

    from aez.codec.options import DecodeSettings, EncodeSettings


LOSS_BAND = 2**22
"""Samples whose perceptual distortion is measured at once."""


class Codec(PictureCodec):
    """A model on a device, for many pictures.

    Attributes:
        weights: the model.
        networks: its float networks.
        runtime: what computes them, ``light`` or ``torch``.

    Example:
        >>> codec = Codec()
        >>> data = codec.encode(Image.open("photo.png"), quality=60)
        >>> codec.decode(data).save("back.png")
    """

    layout = LAYOUT

    def __init__(
        self,
        model: str | Weights = DEFAULT_MODEL,
        device: str = "auto",
        precision: str = "auto",
        runtime: str = "auto",
    ) -> None:
        """Load a model.

        Args:
            model: name of a packaged model, path of a weights file, or weights already read.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            precision: of the transforms' residual blocks, ``float32``, ``bfloat16`` or ``auto``: in torch the faster
                one on this machine, see :func:`aez.codec.runtime.torch.device.choose_precision`.
            runtime: ``light``, ``torch`` or ``auto``, see :func:`aez.codec.runtime.choice.networks_for`.

        Raises:
            ModelError: there is no such model, or it is damaged.
            AezError: the device or the runtime is not there.
            ValueError: there is no such device, precision or runtime.
        """
        self.weights = model if isinstance(model, Weights) else read_weights(find_model(model).path)
        self.networks = networks_for(self.weights, device, precision, runtime)
        self.runtime, self.device = self.networks.runtime, self.networks.device
        self.precision = self.networks.precision
        self.name, self.fingerprint = self.weights.name, self.weights.fingerprint
        self.quality_scale = self.weights.quality_scale

    def check_effort(self, effort: int) -> None:
        """See :meth:`aez.codec.base.PictureCodec.check_effort`."""
        if effort_of(effort, self.weights.distortion).needs_gradients:
            require_torch(f"an effort of {effort}")

    def setting(self, position: int, effort: int, *, grey: bool = False) -> Setting:
        """Return what symbols are chosen with at a quality position and an effort; errors as :meth:`check_effort`."""
        self.check_effort(effort)
        search = effort_of(effort, self.weights.distortion)
        return Setting(self.networks, OperatingPoint(self.weights, position, grey), search)

    def _coded_samples(self, picture: Picture) -> tuple[Samples, str]:
        return coded_samples(picture)

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
        self.networks.prepare(encoding=True)
        log2 = default_tile_log2(Grid.of(header)) if options.tile_log2 is None else options.tile_log2
        header = replace(header, tile_log2=log2)
        setting = self.setting(header.quality, options.effort, grey=header.grey)
        bands = encode_bands(setting, samples, tile_side(log2), progress, graphics=not beneath)
        return self._container(header, bands)

    def block_costs(self, samples: Samples, header: Header) -> BlockCosts:
        """See :meth:`aez.codec.base.PictureCodec.block_costs`.

        The symbols are those that the lowest effort chooses for photographs. Other searches give 0.3 to 1 times their
        rate plus distortion.
        """
        plain = replace(header, alpha=False, orientation=1)
        data = write_container(self.encode_samples(samples, plain, EncodeOptions(effort=0), beneath=True))
        decoded = self.decode_picture(data, limits=TRUSTED).samples
        decoded = decoded[..., 0] if decoded.ndim > samples.ndim else decoded
        total = 8 * len(data) + self.loss_bits(decoded, samples, header)
        errors = block_errors(decoded, samples)
        return BlockCosts(rate_map(self.weights, data, TRUSTED), errors, self.error_worth(header), total)

    def loss_bits(self, decoded: Samples, samples: Samples, header: Header) -> float:
        """See :meth:`aez.codec.base.PictureCodec.loss_bits`; the perceptual distortion is measured in bands of rows."""
        if self.weights.distortion != "perceptual":
            return super().loss_bits(decoded, samples, header)
        bands, loss = ceil_div(samples.size, LOSS_BAND), 0.0
        parts = (np.array_split(levels.reshape(*levels.shape[:2], -1), bands) for levels in (decoded, samples))
        for shown, want in zip(*parts, strict=True):
            distortion, _ = perceptual_slope(levels_of(shown).astype(np.float32), levels_of(want))
            loss += distortion * want.shape[0] * want.shape[1]
        return loss * self.quality_scale.distortion_weight(header.quality)

    def _container(self, header: Header, bands: Iterable[EncodedBand]) -> Container:
        """Entropy-code symbols in bands from top to bottom."""
        writer, fits = StreamWriter(OperatingPoint(self.weights, header.quality, header.grey), header), []
        for band in bands:
            writer.add(band.symbols)
            fits.append(band.fit)
        fit = joined_fit(fits)
        return Container(header, writer.hyper(), writer.tiles, {}, None, filter=fit.payload if fit else None)

    def pack(self, header: Header, symbols: Symbols) -> bytes:
        """Entropy-code symbols into a file without metadata, alpha and picture filter."""
        return write_container(self._container(header, [EncodedBand(symbols, None)]))

    def _check(self, header: Header) -> None:
        check_model(header, self.weights)

    def _needed_tiles(self, header: Header, view: View) -> set[int] | None:
        return set(TileAreas(header.tiles()).within(view.needed(self.weights.pixel_halo)))

    def _cost(self, header: Header, view: View | None) -> Cost:
        if view is None:
            return symbols_cost(self.weights.config, header)
        return view_cost(self.weights.config, self.weights.pixel_halo, header, view)

    def _symbols(self, container: Container) -> Symbols:
        return StreamReader(container, self.weights).symbols()

    def decoder(self, reader: StreamReader) -> Decoder:
        """Return the decoder of a file's symbols."""
        return Decoder(self.networks, reader.point, reader.pixel_filter(), reader.header.depth)

    def _decode_samples(self, container: Container, view: View, progress: Progress | None) -> Samples:
        self.networks.prepare(encoding=False)
        reader = StreamReader(container, self.weights)
        with reader.residuals() as residuals:
            return self.decoder(reader).decode(reader.z, residuals, view, progress)

    def decode_tensor(
        self, data: Data, *, progress: Progress | None = None, **settings: Unpack[DecodeSettings]
    ) -> torch.Tensor:
        """Decode the picture as stored to a tensor on this codec's device; arguments and errors as `decode_picture`.

        The samples are not copied through the host.

        Returns:
            (C, H, W): 3 channels for RGB, 1 for grey, one more with alpha. They are uint8; of files of 10, 12 or 16
            bits per sample uint16, 0 … 2**depth − 1, alpha scaled to the same range.
        """
        require_torch("a tensor")
        import torch

        options = DecodeOptions.of(**settings)
        container, view, _ = self._open(data, options, seen=False)
        if container.layer is not None:
            shown, alpha = self._decode_view(container, view, progress, options.limits)
            return self._tensor_of(Picture(as_stored(shown, container.header.colour), alpha).to_array())
        reader = StreamReader(container, self.weights)
        depth = container.header.depth
        kind = torch.uint8 if depth == 8 else torch.int32
        # Outside of inference mode, so that the result may be used in training.
        samples = torch.empty(*view.window.shape, reader.point.channels, dtype=kind, device=self.device)
        with reader.residuals() as residuals:
            for window, part in self.decoder(reader).parts(reader.z, residuals, view, progress):
                samples[window.pixel_index] = torch.as_tensor(part)
        if container.header.colour == "grey RGB":
            samples = samples.expand(-1, -1, 3)
        planes, alpha = [samples], self._decode_alpha(container, view, options.limits)
        if alpha is not None:
            scaled = narrowed(at_depth(alpha, depth), depth)
            planes.append(torch.from_numpy(scaled.astype(np.int32)).to(self.device, kind)[..., None])
        joined = torch.cat(planes, 2).permute(2, 0, 1).contiguous()
        return joined if depth == 8 else joined.to(torch.uint16)

    def latents(
        self, image: Pixels | Picture | File, quality: float | None = None, **settings: Unpack[EncodeSettings]
    ) -> Latents:
        """Return what a picture becomes inside the codec; nothing is written.

        The symbols are those of a file of the same quality and effort without a layer. All latents are in memory: about
        15 bytes per sample of the picture.

        Args:
            image: as for :meth:`encode`.
            quality: 1 … 100.
            settings: other fields of :class:`aez.codec.options.EncodeOptions`; the effort and the tiles count.

        Raises:
            ImageError: the picture cannot be read.
            ValueError, TypeError: an argument is out of range or of the wrong type.
        """
        return latents_of(self, image, EncodeOptions.of(quality, **settings))

    def from_latents(self, latents: Latents) -> Image.Image:
        """Decode ``latents.y_hat`` to a picture as it is meant to be seen.

        Without an edit it is, pixel for pixel, what :meth:`decode` gives of a file of the same quality and effort; for
        pictures above 3.1 megapixels, which are decoded in windows, up to rounding.

        Raises:
            ValueError: ``y_hat`` does not have the shape of the picture's latents, or holds what is not a number.
        """
        return picture_of(self, latents)


def hyperprior(codec: PictureCodec) -> Codec:
    """Return a codec that has latents y and z; refuse a member of the autoencoder family, whose code is another.

    Raises:
        ModelError: the codec is a member of the family.
    """
    if not isinstance(codec, Codec):
        raise ModelError(f"{codec.name}: not one of the codec's own models, which alone have z and r")
    return codec
