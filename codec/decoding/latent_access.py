"""The codec as an autoencoder: pictures to latents and back, for learning features, scores and edits."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import ModelError
from aez.bitstream.costs import residual_bits
from aez.codec.encoding.effort import DEFAULT_EFFORT, effort_of
from aez.codec.encoding.encoder import encode, usual_tile_log2
from aez.codec.model.filter_weights import FilterFit
from aez.codec.model.weightfile import Weights
from aez.codec.networks.quality import POSITION_SCALE
from aez.codec.picture.grey import as_stored, coded_samples
from aez.codec.picture.inputs import as_picture
from aez.codec.picture.picture import Picture, Pixels
from aez.codec.picture.sources import File
from aez.codec.picture.turning import upright
from aez.codec.runtime.engine import Engine
from aez.codec.runtime.patches import STRIDE
from aez.codec.runtime.picture_filter import filtered
from aez.codec.symbols.representation import Latents
from aez.codec.symbols.tiles import ArrayResiduals
from aez.codec.symbols.windows import CELL, Window, cell_windows

QUALITY_MIN, QUALITY_MAX, DEFAULT_QUALITY = 1.0, 100.0, 50.0


class LatentAccess:
    """What a loaded model knows of qualities and latents; :class:`aez.codec.Codec` is one.

    Attributes:
        weights: the model.
        engine: its networks.
        name: of the model.
        points: its quality points.
    """

    weights: Weights
    engine: Engine
    name: str
    points: int

    def position_of(self, quality: float) -> int:
        """Quality 1 … 100 to the file's integer position.

        Raises:
            ValueError: it is out of range.
        """
        if not QUALITY_MIN <= quality <= QUALITY_MAX:
            raise ValueError(f"quality must be from 1 to 100, not {quality}")
        share = (quality - QUALITY_MIN) / (QUALITY_MAX - QUALITY_MIN)
        return round(share * (self.points - 1) * POSITION_SCALE)

    def quality_of(self, position: int) -> float:
        """Inverse of :meth:`position_of`."""
        share = position / ((self.points - 1) * POSITION_SCALE)
        return QUALITY_MIN + share * (QUALITY_MAX - QUALITY_MIN)

    def latents(
        self, image: Pixels | Picture | File, quality: float = DEFAULT_QUALITY, *, effort: int = DEFAULT_EFFORT
    ) -> Latents:
        """What a picture becomes inside the codec; nothing is written.

        The symbols are those of a file of the same quality and effort. All latents are in memory: about 15 bytes a
        sample of the picture.

        Args:
            image: as for :meth:`encode`.
            quality: 1 … 100.
            effort: 0 … 9, with which symbols are chosen.

        Raises:
            ImageError: the picture cannot be read.
            ModelError: the model is one of the family, which have other latents.
            ValueError, TypeError: an argument is out of range or an array of the wrong kind.
        """
        need_hyperprior(self)
        position, how = self.position_of(quality), effort_of(effort, self.weights.distortion)
        picture = as_picture(image)
        samples, colour = coded_samples(picture)
        engine, weights = self.engine, self.weights
        grey = samples.ndim == 2
        fit = FilterFit(weights, position, 1 if grey else 3) if weights.has_filter else None
        log2 = usual_tile_log2(*samples.shape[:2])
        symbols = encode(engine, samples, position, how, fit=fit, tile_side=1 << log2 if log2 else 0)
        return Latents(
            y=engine.analyse(samples, position).numpy(),
            y_hat=_known(engine, symbols.z, symbols.r),
            z_hat=symbols.z,
            r=symbols.r,
            indices=symbols.indices,
            bits=residual_bits(symbols.r, symbols.indices, weights.residual_tables),
            hyper_bits=weights.hyper_coder(position, grey).bits(symbols.z),
            position=position,
            height=samples.shape[0],
            width=samples.shape[1],
            colour=colour,
            orientation=picture.orientation,
            alpha=picture.alpha,
            pixel_filter=fit.weights() if fit else None,
        )

    def from_latents(self, latents: Latents) -> Image.Image:
        """The picture that ``latents.y_hat`` decodes to, as it is meant to be seen.

        Without an edit it is, pixel for pixel, what :meth:`decode` gives of a file of the same quality and effort; of
        pictures above 3.1 megapixels, which are decoded in windows, to rounding.

        Raises:
            ValueError: ``y_hat`` has not the shape of the picture's latents, or holds what is not a number.
        """
        need_hyperprior(self)
        shape = self.weights.config.latent, -(-latents.height // STRIDE), -(-latents.width // STRIDE)
        y_hat = np.asarray(latents.y_hat, dtype=np.float32)
        if y_hat.shape != shape:
            raise ValueError(f"y_hat must have shape {shape}, not {y_hat.shape}")
        if not np.isfinite(y_hat).all():
            raise ValueError("y_hat must be finite")
        samples = as_stored(_synthesised(self.engine, y_hat, latents), latents.colour)
        return upright(Picture(samples, latents.alpha, latents.orientation)).to_image()


def need_hyperprior(codec: LatentAccess) -> None:
    """Refuse a member of the autoencoder family, whose code is another.

    Raises:
        ModelError: it is one.
    """
    if not hasattr(codec, "weights"):
        raise ModelError(f"{codec.name}: not one of the codec's own models, which alone have z and r")


@torch.inference_mode()
def _known(engine: Engine, z: NDArray[np.int16], r: NDArray[np.int16]) -> NDArray[np.float32]:
    """ŷ of a whole picture, window by window."""
    rows, cols = r.shape[1:]
    source = ArrayResiduals(r)
    out = np.empty(r.shape, np.float32)
    for core in _cores(rows, cols):
        y_hat, _ = engine.latent(z, source.window(engine.reach(core, rows, cols, 16)), core)
        out[core.slices] = y_hat[0].cpu().numpy()
    return out


@torch.inference_mode()
def _synthesised(engine: Engine, y_hat: NDArray[np.float32], latents: Latents) -> NDArray[np.uint8]:
    """Pixels of ŷ, (height, width, 3), or (height, width) if grey."""
    rows, cols = y_hat.shape[1:]
    channels = 1 if latents.grey else 3
    out = np.empty((rows * STRIDE, cols * STRIDE, channels), np.uint8)
    at = engine.position_tensor(latents.position)
    gain = torch.exp(engine.model.decoder_gain(at) - engine.model.encoder_gain(at))
    for core in _cores(rows, cols):
        area = core.grown(engine.pixel_halo, rows, cols)
        part = torch.from_numpy(np.ascontiguousarray(y_hat[area.slices]))[None].to(engine.device)
        levels = engine.synthesis(part.contiguous(memory_format=torch.channels_last) * gain, at, channels)
        if latents.pixel_filter is not None:
            levels = filtered(levels, latents.pixel_filter)
        inner = core.within(area)[2:]
        top, left = inner[0].start * STRIDE, inner[1].start * STRIDE
        pixels = core.scaled(STRIDE, rows * STRIDE, cols * STRIDE)
        height, width = pixels.shape
        out[pixels.slices[1:]] = levels[top : top + height, left : left + width].round().cpu().numpy()
    out = np.ascontiguousarray(out[: latents.height, : latents.width])
    return out[:, :, 0] if latents.grey else out


def _cores(rows: int, cols: int) -> list[Window]:
    """The windows of latents in which a decoder works, too."""
    cells = cell_windows(Window(0, -(-rows // CELL), 0, -(-cols // CELL)))
    return [window.scaled(CELL, rows, cols) for window in cells]
