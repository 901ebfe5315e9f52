"""A loaded model on a device: pictures to symbols and back, window by window."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.networks import HyperpriorModel
from aez.codec.networks.quality import POSITION_SCALE
from aez.codec.patches import STRIDE, PatchAnalysis, PatchSynthesis
from aez.codec.quantise import Quantiser
from aez.codec.weightfile import Weights
from aez.codec.windows import CELL, Window, cell_windows

_CONTEXT_HALO = 1  # cells: the mean context sees 4 latents on each side
_HYPER_HALO = 1  # cells: the hyper-analysis sees half a cell

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Symbols:
    """What a file holds.

    Attributes:
        z: (Z, ceil(H/64), ceil(W/64)) int16.
        indices: (M, ceil(H/16), ceil(W/16)) uint8, the table of each element of r; computed from z.
        r: (M, ceil(H/16), ceil(W/16)) int16.
    """

    z: NDArray[np.int16]
    indices: NDArray[np.uint8]
    r: NDArray[np.int16]


class Engine:
    """The networks of one model on one device. Safe to use from several threads."""

    def __init__(self, weights: Weights, device: torch.device, blocks: torch.dtype) -> None:
        """Load the float networks.

        Args:
            weights: a validated model.
            device: where the float networks run; the exact path always runs on the CPU.
            blocks: precision of the transforms' residual blocks, float32 or bfloat16.
        """
        self.weights, self.device = weights, device
        model = weights.to_model()
        for stack in (
            model.analysis.blocks,
            model.synthesis.blocks16,
            model.synthesis.blocks8,
            model.synthesis.blocks4,
        ):
            stack.to(blocks)
        self.model: HyperpriorModel = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.analysis, self.synthesis = PatchAnalysis(model.analysis), PatchSynthesis(model.synthesis)
        config = weights.config
        self.analysis_halo = math.ceil(config.analysis_depth / 2)
        self.synthesis_halo = math.ceil(
            config.synthesis16_depth + config.synthesis8_depth / 2 + config.synthesis4_depth / 4
        )

    def _position(self, position: int) -> Tensor:
        return torch.tensor([position / POSITION_SCALE], device=self.device)

    # Encoding

    @torch.inference_mode()
    def analyse(self, picture: NDArray[np.uint8], position: int, progress: Progress | None = None) -> Tensor:
        """y of a whole picture.

        Args:
            picture: (H, W, 3) or (H, W) uint8, any size.
            position: quality position.
            progress: called with the share of windows done.

        Returns:
            (M, ceil(H/16), ceil(W/16)) float32 on the CPU.
        """
        picture = picture.reshape(*picture.shape[:2], -1)
        height, width = picture.shape[:2]
        rows, cols = -(-height // STRIDE), -(-width // STRIDE)
        y = _interleaved(torch.empty(rows, cols, self.weights.config.latent))
        at = self._position(position)
        gain = torch.exp(self.model.encoder_gain(at))
        windows = cell_windows(-(-rows // CELL), -(-cols // CELL))
        for done, cells in enumerate(windows):
            core = cells.scaled(CELL, rows, cols)
            outer = core.grown(self.analysis_halo, rows, cols)
            pixels = picture[outer.top * STRIDE : outer.bottom * STRIDE, outer.left * STRIDE : outer.right * STRIDE]
            down, right = (outer.shape[i] * STRIDE - pixels.shape[i] for i in (0, 1))
            if down or right:
                pixels = np.pad(pixels, ((0, down), (0, right), (0, 0)), mode="edge")
            x = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).to(self.device)
            part = self.analysis(x, at).mul_(gain)
            y[core.slices] = part[core.within(outer)][0].cpu()
            _tell(progress, done + 1, len(windows))
        return y

    @torch.inference_mode()
    def hyper_analyse(self, y: Tensor, position: int) -> NDArray[np.int16]:
        """z of a whole latent, rounded and clamped to its tables: (Z, h, w) int16."""
        latent_rows, latent_cols = y.shape[1:]
        rows, cols = -(-latent_rows // CELL), -(-latent_cols // CELL)
        z = torch.empty(self.weights.config.hyper, rows, cols)
        for core in cell_windows(rows, cols):
            outer = core.grown(_HYPER_HALO, rows, cols)
            part = y[outer.scaled(CELL, latent_rows, latent_cols).slices][None].to(self.device)
            down, right = (outer.shape[i] * CELL - part.shape[2 + i] for i in (0, 1))
            if down or right:
                part = F.pad(part, (0, right, 0, down), mode="replicate")
            out = self.model.hyper_analysis(part.contiguous(memory_format=torch.channels_last))
            z[core.slices] = out[core.within(outer)][0].cpu()
        indices = self.weights.hyper_indices(position).numpy()
        bound = torch.from_numpy(self.weights.hyper_tables.bounds[indices])[:, None, None]
        return torch.maximum(torch.minimum(z.round(), bound), -bound).to(torch.int16).numpy()

    def indices(self, z: NDArray[np.int16], position: int, rows: int, cols: int) -> NDArray[np.uint8]:
        """Table indices of the latent of rows × cols, by the exact path: (M, rows, cols) uint8."""
        return self.weights.exact.indices(z, position)[:, :rows, :cols]

    @torch.inference_mode()
    def quantise(
        self, y: Tensor, z: NDArray[np.int16], indices: NDArray[np.uint8], quantiser: Quantiser
    ) -> NDArray[np.int16]:
        """Choose r: the first step everywhere, then the second, whose means see what the first decided.

        Args:
            y: (M, h, w) float32.
            z: what will be coded.
            indices: of the same shape as y.
            quantiser: the rounding rule.

        Returns:
            r, (M, h, w) int16.
        """
        rows, cols = y.shape[1:]
        r = _interleaved(torch.zeros(rows, cols, len(y), dtype=torch.int16))
        windows = cell_windows(*z.shape[1:])
        table = _interleaved(torch.from_numpy(indices.transpose(1, 2, 0)).contiguous())
        context: _Context | None = None
        for step in (0, 1):
            for cells in windows:
                core = cells.scaled(CELL, rows, cols)
                if context is None or len(windows) > 1:
                    context = self._context(z, cells, rows, cols)
                mean = context.first if step == 0 else self._second_mean(context, r)
                values = y[core.slices] - mean[core.within(context.area)][0].cpu()
                chosen = quantiser(values, table[core.slices])
                first = context.mask[core.within(context.area)][0].cpu().to(torch.int16)
                if step == 0:
                    r[core.slices] = chosen.mul_(first)
                else:
                    r[core.slices] += chosen.mul_(1 - first)
        return r.numpy()

    def encode(
        self, picture: NDArray[np.uint8], position: int, quantiser: Quantiser, progress: Progress | None = None
    ) -> Symbols:
        """All symbols of a picture, (H, W, 3) or (H, W) uint8."""
        y = self.analyse(picture, position, progress)
        z = self.hyper_analyse(y, position)
        indices = self.indices(z, position, *y.shape[1:])
        return Symbols(z, indices, self.quantise(y, z, indices, quantiser))

    # Decoding

    @torch.inference_mode()
    def decode(
        self,
        z: NDArray[np.int16],
        r: NDArray[np.int16],
        position: int,
        height: int,
        width: int,
        progress: Progress | None = None,
        *,
        grey: bool = False,
    ) -> NDArray[np.uint8]:
        """Symbols to a picture, (height, width, 3) uint8, or (height, width) if it is grey."""
        rows, cols = r.shape[1:]
        channels = 1 if grey else 3
        out = np.empty((height, width, channels), dtype=np.uint8)
        windows = cell_windows(*z.shape[1:])
        residual = _interleaved(torch.from_numpy(r.transpose(1, 2, 0)).contiguous())
        at = self._position(position)
        gain = torch.exp(self.model.decoder_gain(at) - self.model.encoder_gain(at))
        for done, cells in enumerate(windows):
            core = cells.scaled(CELL, rows, cols)
            y_hat, area = self._latent(z, residual, core)
            levels = self.synthesis(y_hat.mul_(gain), at, channels)
            top, left = (core.top - area.top) * STRIDE, (core.left - area.left) * STRIDE
            target = out[core.top * STRIDE : core.bottom * STRIDE, core.left * STRIDE : core.right * STRIDE]
            target[:] = levels[top : top + target.shape[0], left : left + target.shape[1]].cpu().numpy()
            _tell(progress, done + 1, len(windows))
        return out[:, :, 0] if grey else out

    def _latent(self, z: NDArray[np.int16], r: Tensor, core: Window) -> tuple[Tensor, Window]:
        """ŷ of a window of latents and the halo that the synthesis needs, and the area that it covers."""
        rows, cols = r.shape[1:]
        area = core.grown(self.synthesis_halo, rows, cols)
        cells = Window(area.top // CELL, -(-area.bottom // CELL), area.left // CELL, -(-area.right // CELL))
        context = self._context(z, cells, rows, cols)
        y_hat = self._second_mean(context, r).add_(r[context.area.slices][None].to(self.device))
        return y_hat[area.within(context.area)].contiguous(memory_format=torch.channels_last), area

    def _context(self, z: NDArray[np.int16], cells: Window, rows: int, cols: int) -> "_Context":
        """Features and first means of a window of cells and the halo that the second step needs."""
        outer = cells.grown(_CONTEXT_HALO, *z.shape[1:])
        area = outer.scaled(CELL, rows, cols)
        part = torch.from_numpy(z[outer.slices]).to(self.device).float()[None]
        features = self.model.context.features(part.contiguous(memory_format=torch.channels_last))
        features = features[:, :, : area.shape[0], : area.shape[1]]
        first = self.model.context.first_mean(features)
        mask = self.model.context.first_mask(*area.shape, area.top, area.left, first)
        return _Context(area, features, first, mask)

    def _second_mean(self, context: "_Context", r: Tensor) -> Tensor:
        known = (r[context.area.slices][None].to(self.device) + context.first).mul_(context.mask)
        return self.model.context.second_mean(context.features, context.first, known, context.mask)


@dataclass(frozen=True)
class _Context:
    """The mean context of an area of latents, (1, channels, rows, columns) each."""

    area: Window
    features: Tensor
    first: Tensor
    mask: Tensor


def _interleaved(tensor: Tensor) -> Tensor:
    """(rows, columns, channels) in memory, seen as (channels, rows, columns): the order that the networks work in."""
    return tensor.permute(2, 0, 1)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress:
        progress(done / total)
