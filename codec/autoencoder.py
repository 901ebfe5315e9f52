"""The codec as an autoencoder: pictures to latents and back, for learning features, scores and edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream.costs import residual_bits
from aez.bitstream.header import LATENT_STRIDE
from aez.codec.decoding.decoder import Decoder
from aez.codec.encoding.analysis import analysed
from aez.codec.encoding.encoder import default_tile_log2, encode, tile_side
from aez.codec.geometry.grid import Grid
from aez.codec.geometry.windows import Window, cell_windows
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.picture.depth import Samples, widened
from aez.codec.picture.grey import as_stored, coded_samples
from aez.codec.picture.inputs import as_picture
from aez.codec.picture.picture import Picture, Pixels
from aez.codec.picture.sources import File
from aez.codec.picture.turning import upright
from aez.codec.runtime.means import Means
from aez.codec.symbols.representation import Latents

if TYPE_CHECKING:
    from aez.codec.codec import Codec
    from aez.codec.options import EncodeOptions


def latents_of(codec: Codec, image: Pixels | Picture | File, options: EncodeOptions) -> Latents:
    """Return what a picture becomes inside the codec; see :meth:`aez.codec.Codec.latents`."""
    picture = as_picture(image)
    samples, colour = coded_samples(picture)
    setting = codec.setting(codec.quality_scale.position_of(options.quality), options.effort, grey=samples.ndim == 2)
    grid, weights = Grid(*samples.shape[:2]), codec.weights
    log2 = default_tile_log2(grid) if options.tile_log2 is None else options.tile_log2
    band = encode(setting, samples, tile_side(log2))
    symbols = band.symbols
    means = Means(setting.networks, symbols.z, grid)
    y_hat = np.empty(symbols.r.shape, np.float32)
    for core in _windows(grid):
        part, _ = means.reconstruct(core, symbols.r[grid.reach(core).index])
        y_hat[core.index] = setting.networks.host(part)[0]
    return Latents(
        y=analysed(setting, samples.reshape(*samples.shape[:2], -1)),
        y_hat=y_hat,
        z_hat=symbols.z,
        r=symbols.r,
        indices=symbols.indices,
        bits=residual_bits(symbols.r, symbols.indices, weights.residual_tables),
        hyper_bits=setting.point.hyper_coder.bits(symbols.z),
        position=setting.point.position,
        height=samples.shape[0],
        width=samples.shape[1],
        colour=colour,
        orientation=picture.orientation,
        alpha=picture.alpha,
        pixel_filter=band.fit.weights if band.fit else None,
        depth=options.depth or picture.depth,
    )


def picture_of(codec: Codec, latents: Latents) -> Image.Image:
    """Decode latents to a picture; see :meth:`aez.codec.Codec.from_latents`."""
    grid = Grid(latents.height, latents.width)
    shape = codec.weights.config.latent, grid.rows, grid.cols
    y_hat = np.asarray(latents.y_hat, dtype=np.float32)
    if y_hat.shape != shape:
        raise ValueError(f"y_hat must have shape {shape}, not {y_hat.shape}")
    if not np.isfinite(y_hat).all():
        raise ValueError("y_hat must be finite")
    samples = as_stored(widened(_synthesised(codec, y_hat, latents, grid), latents.depth), latents.colour)
    return upright(Picture(samples, latents.alpha, latents.orientation, deep_bits=latents.depth)).to_image()


def _synthesised(codec: Codec, y_hat: NDArray[np.float32], latents: Latents, grid: Grid) -> Samples:
    """Decode ŷ to (height, width, 3), or (height, width) if grey."""
    networks, point = codec.networks, OperatingPoint(codec.weights, latents.position, latents.grey)
    decoder = Decoder(networks, point, latents.pixel_filter, latents.depth)
    out: Samples = np.empty((grid.height, grid.width, point.channels), np.uint8 if latents.depth == 8 else np.uint16)
    for core in _windows(grid):
        around = grid.grown(core, codec.weights.pixel_halo)
        levels = decoder.levels(y_hat[around.index])
        first = around.finer(LATENT_STRIDE)
        pixels = grid.pixels_of(core)
        out[pixels.pixel_index] = networks.host(networks.samples(levels[pixels.pixel_index_in(first)], latents.depth))
    return out[:, :, 0] if latents.grey else out


def _windows(grid: Grid) -> list[Window]:
    """Return the windows of latents in which a decoder works, too."""
    return [grid.latents_of(cells) for cells in cell_windows(grid.cells)]
