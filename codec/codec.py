"""Pictures to `.aez` bytes and back, with a loaded model."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import (
    Container,
    FormatError,
    Header,
    ImageError,
    Limits,
    ModelError,
    read_container,
    write_container,
)
from aez.bitstream.entropy import decode_hyper, decode_residual, encode_hyper, encode_residual, symbols_digest
from aez.bitstream.header import MAX_SIDE
from aez.codec.device import choose_device, choose_precision
from aez.codec.engine import Engine, Symbols
from aez.codec.images import Picture, from_array, from_image, turned
from aez.codec.networks.quality import POSITION_SCALE
from aez.codec.quantise import Quantiser
from aez.codec.registry import DEFAULT_MODEL, find_model
from aez.codec.weightfile import Weights, read_weights

QUALITY_MIN, QUALITY_MAX, DEFAULT_QUALITY = 1.0, 100.0, 50.0
UNTILED_LATENTS = 2**15
"""Pictures of up to so many latent positions (8.4 megapixels) have one tile; larger ones tiles of 2**7 a side."""
TILE_LOG2 = 7
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}

Pixels = Image.Image | NDArray[np.uint8]
Progress = Callable[[float], None]


class Codec:
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
            precision: of the transforms' residual blocks, ``float32``, ``bfloat16`` or ``auto`` (what is faster here).

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
        self.quantiser = Quantiser(self.weights.first_coded)

    def position_of(self, quality: float) -> int:
        """Quality 1 … 100 to the file's integer position.

        Raises:
            ValueError: it is out of range.
        """
        if not QUALITY_MIN <= quality <= QUALITY_MAX:
            raise ValueError(f"quality must be from 1 to 100, not {quality}")
        share = (quality - QUALITY_MIN) / (QUALITY_MAX - QUALITY_MIN)
        return round(share * (self.weights.config.points - 1) * POSITION_SCALE)

    def quality_of(self, position: int) -> float:
        """Inverse of :meth:`position_of`."""
        share = position / ((self.weights.config.points - 1) * POSITION_SCALE)
        return QUALITY_MIN + share * (QUALITY_MAX - QUALITY_MIN)

    def encode(
        self,
        image: Pixels | Picture,
        quality: float = DEFAULT_QUALITY,
        *,
        tile_log2: int | None = None,
        progress: Progress | None = None,
    ) -> bytes:
        """A picture as the bytes of an `.aez` file.

        Args:
            image: a Pillow image of any mode (what is not carried yet is converted, see ``images.Picture.warnings``),
                or an (H, W, 3) or (H, W) uint8 array. Sides are 1 to 65535 pixels.
            quality: 1 … 100, any real number.
            tile_log2: side of the tiles of r in latents (16 pixels each), as a power of two from 4 to 12; 0 for one
                tile, None to choose.
            progress: called with the share of the work done, 0 … 1.

        Raises:
            ImageError: the picture cannot be read or is too large for the format.
            ValueError, TypeError: an argument is out of range or an array of the wrong kind.
        """
        position = self.position_of(quality)
        picture = as_picture(image)
        height, width = picture.samples.shape[:2]
        if max(height, width) > MAX_SIDE:
            raise ImageError(f"a picture of {width}×{height} does not fit: sides are at most {MAX_SIDE} pixels")
        if tile_log2 is None:
            tile_log2 = 0 if -(-height // 16) * -(-width // 16) <= UNTILED_LATENTS else TILE_LOG2
        header = Header(
            width=width,
            height=height,
            fingerprint=self.weights.fingerprint,
            quality=position,
            orientation=picture.orientation,
            tile_log2=tile_log2,
        )
        symbols = self.engine.encode(picture.samples, position, self.quantiser, progress)
        return self.pack(header, symbols)

    def pack(self, header: Header, symbols: Symbols) -> bytes:
        """Entropy-code symbols into a file."""
        hyper_indices = self.weights.hyper_indices(header.quality).numpy()
        hyper = encode_hyper(symbols.z, hyper_indices, self.weights.hyper_tables)
        tables, first = self.weights.residual_tables, self.weights.first_coded
        tiles = [
            encode_residual(symbols.r[:, rows, cols], symbols.indices[:, rows, cols], tables, first)
            for rows, cols in header.tiles()
        ]
        return write_container(Container(header, hyper, tiles))

    def unpack(self, data: bytes, limits: Limits | None = None) -> tuple[Header, Symbols]:
        """Parse a file and decode its symbols; no float network runs.

        Raises:
            FormatError, LimitError: the file is damaged, or asks for too much.
            ModelError: it was made with another model.
        """
        container = read_container(data, limits)
        header = container.header
        if header.fingerprint != self.weights.fingerprint:
            raise ModelError(
                f"made with another model (fingerprint {header.fingerprint.hex()}; "
                f"{self.weights.name!r} is {self.weights.fingerprint.hex()})"
            )
        if header.layout != 0 or header.colour != "RGB" or header.depth != 8 or header.alpha:
            raise FormatError("this version of aez decodes 8-bit RGB of latent layout 0 without alpha only")
        if header.quality > (self.weights.config.points - 1) * POSITION_SCALE:
            raise FormatError(f"quality position {header.quality} is beyond the model's")
        hyper_indices = self.weights.hyper_indices(header.quality).numpy()
        z = decode_hyper(container.hyper, header.hyper_shape, hyper_indices, self.weights.hyper_tables)
        indices = self.engine.indices(z, header.quality, *header.latent_shape)
        tables, first = self.weights.residual_tables, self.weights.first_coded
        r = np.zeros(indices.shape, dtype=np.int16)
        for (rows, cols), tile in zip(header.tiles(), container.tiles, strict=True):
            r[:, rows, cols] = decode_residual(tile, indices[:, rows, cols], tables, first)
        return header, Symbols(z, indices, r)

    def decode_array(
        self, data: bytes, *, limits: Limits | None = None, progress: Progress | None = None
    ) -> NDArray[np.uint8]:
        """The picture as stored, (H, W, 3) uint8 RGB, not turned by its orientation; errors as :meth:`unpack`."""
        header, symbols = self.unpack(data, limits)
        return self.engine.decode(symbols.z, symbols.r, header.quality, header.height, header.width, progress)

    def decode(self, data: bytes, *, limits: Limits | None = None, progress: Progress | None = None) -> Image.Image:
        """The picture as it is meant to be seen, as a Pillow image of mode RGB; errors as :meth:`unpack`."""
        header, symbols = self.unpack(data, limits)
        samples = self.engine.decode(symbols.z, symbols.r, header.quality, header.height, header.width, progress)
        return turned(Image.fromarray(samples), header.orientation)

    def digest(self, data: bytes, *, limits: Limits | None = None) -> str:
        """SHA-256 of the decoded symbols (SPEC section 9); errors as :meth:`unpack`."""
        _, symbols = self.unpack(data, limits)
        return symbols_digest(symbols.z, symbols.r)


def as_picture(image: Pixels | Picture) -> Picture:
    """Whatever the library takes, as what the encoder takes.

    Raises:
        ImageError: the picture cannot be read.
        ValueError, TypeError: an array of the wrong kind.
    """
    if isinstance(image, Picture):
        return image
    if isinstance(image, Image.Image):
        return from_image(image)
    return from_array(np.asarray(image))
