"""Stylise pictures of any size, window by window (:mod:`aez.codec.family.style.model`)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from aez.bitstream import ModelError
from aez.codec.family.members import load_family, read_family
from aez.codec.family.ranges import MAX_STYLE_SIDE, MIN_STYLE_SIDE, STYLE_SIDE
from aez.codec.family.style.model import STRIDE, Style
from aez.codec.family.style.patches import choose_patches, matched
from aez.codec.family.style.statistics import ChannelMoments, Statistics, adain, moments_of_sums
from aez.codec.geometry.grid import CELL
from aez.codec.geometry.windows import Progress, Window, cell_windows
from aez.codec.picture.alpha.transparency import flattened
from aez.codec.picture.images import from_image
from aez.codec.picture.inputs import from_array
from aez.codec.picture.metadata.chunks import without_thumbnails
from aez.codec.picture.picture import Picture, Pixels, in_8_bits
from aez.codec.picture.turning import upright
from aez.codec.runtime.torch.device import choose_device

_WINDOW = 256  # largest number of cells of a window


@dataclass(frozen=True)
class StyleSource:
    """A style: statistics and latent (M, h, w)."""

    statistics: Statistics
    latent: Tensor


class Stylist:
    """A style model on a device."""

    def __init__(self, model: Style, device: torch.device) -> None:
        """Hold a model that is on ``device``."""
        self.model, self.device = model, device
        sizes = model.sizes
        self.encoder_halo = math.ceil(sizes["analysis_depth"] / 2)
        self.halo = self.encoder_halo + math.ceil(
            sizes["synthesis16_depth"]
            + sizes["style16"]
            + (sizes["synthesis8_depth"] + sizes["style8"]) / 2
            + (sizes["synthesis4_depth"] + sizes["style4"]) / 4
        )

    @torch.inference_mode()
    def source(self, samples: NDArray[np.uint8], side: int = STYLE_SIDE) -> StyleSource:
        """Extract the style of (H, W, 3) uint8; larger pictures are reduced to ``side`` pixels on the longer side."""
        share = side / max(samples.shape[:2])
        if share < 1:
            height, width = (max(1, round(n * share)) for n in samples.shape[:2])
            samples = np.asarray(Image.fromarray(samples).resize((width, height), Image.Resampling.LANCZOS))
        # Only whole patches are used: padding beyond an edge does not belong to the style.
        rows, cols = (n // STRIDE * STRIDE or n for n in samples.shape[:2])
        samples = samples[:rows, :cols]
        statistics, _ = self.look(samples)
        rows, cols = (-(-n // STRIDE) for n in samples.shape[:2])
        latent, _ = self.model.encode(self._pixels(samples, Window(0, rows, 0, cols)))
        return StyleSource(statistics, latent[0])

    @torch.inference_mode()
    def look(self, samples: NDArray[np.uint8]) -> tuple[Statistics, Tensor]:
        """Return a picture's statistics, and the channels of its latent by which patches are chosen."""
        rows, cols = (-(-n // STRIDE) for n in samples.shape[:2])
        sums: dict[str, Tensor] = {}
        low: list[tuple[Window, Tensor]] = []
        for core, outer in self._windows(rows, cols, self.encoder_halo):
            latent, features = self.model.encode(self._pixels(samples, outer))
            part = latent[core.index_in(outer)]
            low.append((core, matched(part[0]).clone()))
            _add(sums, "latent", part)
            _add(sums, "features", features[_doubled(core).index_in(_doubled(outer))])
        half = np.asarray(Image.fromarray(samples).reduce(2))
        half_rows, half_cols = (-(-n // STRIDE) for n in half.shape[:2])
        for core, outer in self._windows(half_rows, half_cols, self.encoder_halo):
            _, features = self.model.encode(self._pixels(half, outer))
            _add(sums, "half", features[_doubled(core).index_in(_doubled(outer))])
        found = {name: moments_of_sums(total) for name, total in sums.items()}
        whole = torch.empty(len(low[0][1]), rows, cols, device=self.device)
        for core, part in low:
            whole[core.index] = part
        return Statistics(found["latent"], found["features"], found["half"]), whole

    @torch.inference_mode()
    def paint(
        self, samples: NDArray[np.uint8], source: StyleSource, strength: float, progress: Progress | None = None
    ) -> NDArray[np.uint8]:
        """Render samples (H, W, 3) uint8 in a style.

        Strength 0 returns the samples unchanged; strength 1 is one pass of the decoder. In between, the statistics are
        interpolated, and the plain autoencoder's error is compensated in proportion.
        """
        if strength == 0:
            return samples
        height, width = samples.shape[:2]
        rows, cols = -(-height // STRIDE), -(-width // STRIDE)
        own, low = self.look(samples)
        wanted = own.towards(source.statistics, strength)
        chosen = choose_patches(
            adain(low[None], _leading(own.latent, len(low)), _leading(wanted.latent, len(low)))[0],
            matched(source.latent),
        )
        tokens = source.latent.flatten(1)
        out = np.empty((rows * STRIDE, cols * STRIDE, 3), np.uint8)
        windows = list(self._windows(rows, cols, self.halo))
        for done, (core, outer) in enumerate(windows):
            x = self._pixels(samples, outer)
            latent, features = self.model.encode(x)
            here = chosen[outer.pixel_index]
            patches = tokens[:, here.flatten()].reshape(1, -1, *here.shape)
            painted = self.model.decode(latent, features, own, wanted, patches, strength)
            if strength < 1:
                plain = self.model.decode(latent, features, own, own, None)
                painted = painted + (1 - strength) * (x - plain)
            pixels = core.scaled(STRIDE, rows * STRIDE, cols * STRIDE)
            part = painted[pixels.index_in(outer.scaled(STRIDE, rows * STRIDE, cols * STRIDE))][0]
            levels = part.clamp(-0.5, 0.5).mul(255).add(127.5).round().to(torch.uint8)
            out[pixels.pixel_index] = levels.permute(1, 2, 0).cpu().numpy()
            if progress:
                progress((done + 1) / len(windows))
        return np.ascontiguousarray(out[:height, :width])

    def _windows(self, rows: int, cols: int, halo: int) -> Iterator[tuple[Window, Window]]:
        """Yield windows of latents, and the same windows with the halo that they depend on."""
        for cells in cell_windows(Window(0, -(-rows // CELL), 0, -(-cols // CELL)), size=_WINDOW, whole=_WINDOW):
            core = cells.scaled(CELL, rows, cols)
            yield core, core.grown(halo, rows, cols)

    def _pixels(self, samples: NDArray[np.uint8], window: Window) -> Tensor:
        """Return a window of latents as the model's input; pixels beyond the picture repeat its edge."""
        part = samples[window.top * STRIDE : window.bottom * STRIDE, window.left * STRIDE : window.right * STRIDE]
        down, right = (window.shape[i] * STRIDE - part.shape[i] for i in (0, 1))
        if down or right:
            part = np.pad(part, ((0, down), (0, right), (0, 0)), mode="edge")
        x = torch.from_numpy(np.require(part, requirements=["C", "W"])).to(self.device)
        return x.permute(2, 0, 1)[None].float().div_(255).sub_(0.5)


def stylize(
    content: Pixels,
    style: Pixels,
    strength: float = 1.0,
    *,
    style_side: int = STYLE_SIDE,
    model: str = "style",
    device: str = "auto",
) -> Image.Image:
    """Render a picture in the style of another one, in one pass.

    Args:
        content: a Pillow image of any mode, or a uint8 array as :func:`aez.codec.encode` takes it.
        style: picture with the style, of the same types as ``content``.
        strength: 0 … 1; 0 gives the content back exactly, in sRGB.
        style_side: 64 … 2048, longer side in pixels to which the style is reduced; smaller values make finer strokes.
        model: ``style``, or the path of a weights file of a style model.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        RGB, or RGBA with the content's alpha.

    Raises:
        AezError: a picture cannot be read, or there is no such model or device.
        ValueError, TypeError: an argument is out of range or an array of the wrong kind.
    """
    first, second = (
        in_8_bits(from_image(p, srgb=True) if isinstance(p, Image.Image) else from_array(p)) for p in (content, style)
    )
    return stylize_picture(first, second, strength, style_side=style_side, model=model, device=device).to_image()


def stylize_picture(
    content: Picture,
    style: Picture,
    strength: float = 1.0,
    *,
    style_side: int = STYLE_SIDE,
    model: str = "style",
    device: str = "auto",
    progress: Progress | None = None,
) -> Picture:
    """Stylise pictures in sRGB: turned upright, RGB; the content's alpha and metadata are kept.

    ``progress`` is called with the share of work done, 0 … 1. Other arguments are as for :func:`stylize`.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be from 0 to 1, not {strength}")
    if not MIN_STYLE_SIDE <= style_side <= MAX_STYLE_SIDE:
        raise ValueError(f"style_side must be from {MIN_STYLE_SIDE} to {MAX_STYLE_SIDE}, not {style_side}")
    where = choose_device(device)
    stylist = Stylist(_network(model, where), where)
    content, style = upright(content), upright(flattened(style))
    source = stylist.source(_colours(style.samples), style_side)
    samples = stylist.paint(_colours(content.samples), source, strength, progress)
    return replace(content, samples=samples, metadata=without_thumbnails(content.metadata))


def _network(model: str, device: torch.device) -> Style:
    network = read_family(Path(model)).to(device) if Path(model).is_file() else load_family(model, str(device))
    if not isinstance(network, Style):
        raise ModelError(f"{model}: not a model for styles")
    return network


def _colours(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert (H, W) or (H, W, 3) to (H, W, 3)."""
    return samples if samples.ndim == 3 else np.repeat(samples[:, :, None], 3, 2)


def _add(sums: dict[str, Tensor], name: str, x: Tensor) -> None:
    """Add counts, sums and sums of squares of channels to a total, (3, C) float64."""
    flat = x[0].flatten(1).double()
    count = torch.full((len(flat),), flat.shape[1], dtype=torch.float64, device=flat.device)
    total = torch.stack([count, flat.sum(1), flat.square().sum(1)])
    sums[name] = sums[name] + total if name in sums else total


def _doubled(window: Window) -> Window:
    """Scale a window to a grid twice as fine."""
    return Window(2 * window.top, 2 * window.bottom, 2 * window.left, 2 * window.right)


def _leading(moments: ChannelMoments, channels: int) -> ChannelMoments:
    """Return the moments of the first channels."""
    return ChannelMoments(moments.mean[:, :channels], moments.std[:, :channels])
