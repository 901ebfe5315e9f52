"""A loaded model on a device: pictures to symbols and back, window by window."""

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.encoding.effort import Effort, curvature
from aez.codec.encoding.quantise import Quantiser
from aez.codec.encoding.thresholds import TableChoice
from aez.codec.model.scales import LEVELS
from aez.codec.model.weightfile import Weights
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.quality import POSITION_SCALE
from aez.codec.runtime.context import Context, Contexts, to_cells
from aez.codec.runtime.patches import LINEAR_FROM, STRIDE, PatchAnalysis, PatchSynthesis
from aez.codec.runtime.picture_filter import MARGIN as FILTER_MARGIN
from aez.codec.runtime.picture_filter import filtered
from aez.codec.symbols.tiles import ArrayResiduals, Residuals, interleaved, interleaved_array
from aez.codec.symbols.windows import BAND_CELLS, CELL, Window, cell_windows

_CONTEXT_HALO = 1  # cells: the mean context sees 4 latents on each side
HYPER_HALO = 1  # cells: the hyper-analysis sees half a cell
BAND_HALO = 2  # cells: of the second step around a band, and of the first step around that
_QUANTISE_HEIGHT = BAND_CELLS + 2 * BAND_HALO

Progress = Callable[[float], None]


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
        self.pixel_halo = self.synthesis_halo + (FILTER_MARGIN if weights.has_filter else 0)

    def position_tensor(self, position: int) -> Tensor:
        """A quality position as the networks take it, (1,)."""
        return torch.tensor([position / POSITION_SCALE], device=self.device)

    @torch.inference_mode()
    def analyse(
        self,
        picture: NDArray[np.uint8],
        position: int,
        progress: Progress | None = None,
        band: Window | None = None,
    ) -> Tensor:
        """y of a whole picture, or of a band of its cells.

        Args:
            picture: (H, W, 3) or (H, W) uint8, any size.
            position: quality position.
            progress: called with the share of windows done.
            band: cells to compute; all of them if None.

        Returns:
            (M, rows, columns) float32 on the CPU; ceil(H/16) and ceil(W/16) for the whole picture.
        """
        picture = picture.reshape(*picture.shape[:2], -1)
        height, width = picture.shape[:2]
        rows, cols = -(-height // STRIDE), -(-width // STRIDE)
        band = band or Window(0, -(-rows // CELL), 0, -(-cols // CELL))
        whole = band.scaled(CELL, rows, cols)
        y = interleaved(torch.empty(*whole.shape, self.weights.config.latent))
        at = self.position_tensor(position)
        gain = torch.exp(self.model.encoder_gain(at))
        windows = cell_windows(band)
        for done, cells in enumerate(windows):
            core = cells.scaled(CELL, rows, cols)
            outer = core.grown(self.analysis_halo, rows, cols)
            pixels = picture[outer.top * STRIDE : outer.bottom * STRIDE, outer.left * STRIDE : outer.right * STRIDE]
            down, right = (outer.shape[i] * STRIDE - pixels.shape[i] for i in (0, 1))
            if down or right:
                pixels = np.pad(pixels, ((0, down), (0, right), (0, 0)), mode="edge")
            x = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).to(self.device)
            part = self.analysis(x, at).mul_(gain)
            y[core.within(whole)[1:]] = part[core.within(outer)][0].cpu()
            _tell(progress, done + 1, len(windows))
        return y

    @torch.inference_mode()
    def hyper_analyse(self, y: Tensor, position: int, grey: bool = False) -> NDArray[np.int16]:
        """z of a whole latent, rounded and clamped to its tables: (Z, h, w) int16.

        For part of a picture, cells at the edges of the part are right only if they are edges of the picture.
        """
        latent_rows, latent_cols = y.shape[1:]
        rows, cols = -(-latent_rows // CELL), -(-latent_cols // CELL)
        z = torch.empty(self.weights.config.hyper, rows, cols)
        for core in cell_windows(Window(0, rows, 0, cols)):
            outer = core.grown(HYPER_HALO, rows, cols)
            part = y[outer.scaled(CELL, latent_rows, latent_cols).slices][None].to(self.device)
            down, right = (outer.shape[i] * CELL - part.shape[2 + i] for i in (0, 1))
            if down or right:
                part = F.pad(part, (0, right, 0, down), mode="replicate")
            out = self.model.hyper_analysis(part.contiguous(memory_format=torch.channels_last))
            z[core.slices] = out[core.within(outer)][0].cpu()
        indices = self.weights.hyper_indices(position, grey).numpy()
        bound = torch.from_numpy(self.weights.hyper_tables.bounds[indices])[:, None, None]
        mean = torch.from_numpy(self.weights.hyper_means(position, grey))[:, None, None]
        return torch.maximum(torch.minimum(z.round(), mean + bound), mean - bound).to(torch.int16).numpy()

    def indices(
        self,
        z: NDArray[np.int16],
        position: int,
        rows: int,
        cols: int,
        window: Window | None = None,
        *,
        grey: bool = False,
    ) -> NDArray[np.uint8]:
        """Table indices by the exact path.

        Args:
            z: (Z, h, w) int16 of the whole picture.
            position: quality position.
            rows: of latents of the whole picture.
            cols: the same of columns.
            window: cells to compute; all of them if None.
            grey: whether the picture is.

        Returns:
            (M, rows, columns) uint8, of the window or of the whole picture.
        """
        window = window or Window(0, z.shape[1], 0, z.shape[2])
        height, width = window.scaled(CELL, rows, cols).shape
        indices = self.weights.exact.indices(z, position, window)[:, :height, :width]
        offsets = self.weights.index_offsets(position) if grey else None
        if offsets is None:
            return indices
        table = np.clip(offsets[:, None].astype(int) + np.arange(LEVELS), 0, LEVELS - 1).astype(np.uint8)
        moved: NDArray[np.uint8] = table[np.arange(len(table))[:, None, None], indices]
        return moved

    @torch.inference_mode()
    def quantise(
        self,
        y: Tensor,
        z: NDArray[np.int16],
        indices: NDArray[np.uint8],
        quantiser: Quantiser,
        known: Contexts | None = None,
        choice: TableChoice | None = None,
    ) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Choose r: the first step everywhere, then the second, whose means see what the first decided.

        Args:
            y: (M, h, w) float32, of a picture or of a band of its cells.
            z: what will be coded.
            indices: tables or ``NOT_CODED``, of the same shape as y.
            quantiser: the rounding rule.
            known: contexts of this z that were computed before, added to.
            choice: decides between the steps from which table on to code; None to code what ``indices`` says.

        Returns:
            r, (M, h, w) int16, and ``indices`` after that decision.
        """
        rows, cols = y.shape[1:]
        r = interleaved(torch.zeros(rows, cols, len(y), dtype=torch.int16))
        windows = cell_windows(Window(0, z.shape[1], 0, z.shape[2]), height=_QUANTISE_HEIGHT)
        table = interleaved_array(indices)
        first_values = torch.empty_like(y) if choice else None
        context: Context | None = None
        for step in (0, 1):
            for cells in windows:
                core = cells.scaled(CELL, rows, cols)
                if context is None or len(windows) > 1:
                    context = self._context(z, cells, known)
                mean = context.first if step == 0 else self._second_mean(context, r[context.area.slices])
                values = y[core.slices] - mean[core.within(context.area)][0].cpu()
                chosen = quantiser(values, table[core.slices])
                first = context.mask[core.within(context.area)][0].cpu().to(torch.int16)
                if step == 0:
                    r[core.slices] = chosen.mul_(first)
                    if first_values is not None:
                        first_values[core.slices] = values
                else:
                    r[core.slices] += chosen.mul_(1 - first)
            if step == 0 and choice is not None and first_values is not None:
                mask = self.model.context.first_mask(rows, cols, 0, 0, first_values)[0]
                choice.settle(first_values, r, table, mask, quantiser)
        return r.numpy(), table.numpy()

    @cached_property
    def twin(self) -> HyperpriorModel:
        """Synthesis and scale network in float32, which only choosing symbols by their gradients needs."""
        with torch.inference_mode(False):  # it takes part in backward passes, whoever asks for it first
            twin = self.weights.to_training_model().eval().requires_grad_(False)
            for unused in ("analysis", "hyper_analysis", "context"):
                delattr(twin, unused)
            return twin.to(self.device)

    @torch.inference_mode()
    def quantiser(self, position: int, effort: Effort, channels: int) -> Quantiser:
        """The rounding rule for pictures of so many samples a pixel."""
        worth = curvature(self.model, self.position_tensor(position), channels)[0].cpu()
        return Quantiser(self.weights.first_coded, self.weights.residual_tables, worth, effort.strength)

    def reach(self, area: Window, rows: int, cols: int, reduction: int = 1) -> Window:
        """The latents whose r a window of latents depends on, within the picture's rows × cols."""
        area = area.grown(self._halo(reduction), rows, cols)
        cells = area.coarser(CELL).grown(_CONTEXT_HALO, -(-rows // CELL), -(-cols // CELL))
        return cells.scaled(CELL, rows, cols)

    def decode(
        self,
        z: NDArray[np.int16],
        r: NDArray[np.int16] | Residuals,
        position: int,
        height: int,
        width: int,
        progress: Progress | None = None,
        *,
        grey: bool = False,
        region: Window | None = None,
        reduction: int = 1,
        pixel_filter: Tensor | None = None,
    ) -> NDArray[np.uint8]:
        """Symbols to pixels in memory; see :meth:`decode_to_device`, which gives (rows, columns) if it is grey."""
        source = ArrayResiduals(r) if isinstance(r, np.ndarray) else r
        cpu = torch.device("cpu")
        out = self.decode_to_device(
            z,
            source,
            position,
            height,
            width,
            progress,
            cpu,
            grey=grey,
            region=region,
            reduction=reduction,
            pixel_filter=pixel_filter,
        )
        samples: NDArray[np.uint8] = out.numpy()
        return samples[:, :, 0] if grey else samples

    @torch.inference_mode()
    def decode_to_device(
        self,
        z: NDArray[np.int16],
        source: Residuals,
        position: int,
        height: int,
        width: int,
        progress: Progress | None,
        device: torch.device,
        *,
        grey: bool,
        region: Window | None,
        reduction: int,
        pixel_filter: Tensor | None = None,
    ) -> Tensor:
        """Symbols to pixels.

        Args:
            z: (Z, ceil(height/64), ceil(width/64)) int16.
            source: where windows of r, (M, ceil(height/16), ceil(width/16)), come from.
            position: quality position.
            height: of the whole picture.
            width: of the whole picture.
            progress: called with the share of windows done.
            device: where the pixels go; on the engine's own they are not copied through the host.
            grey: give one sample a pixel.
            region: pixels to give, in the picture reduced by ``reduction``; all of them if None.
            reduction: 1, 2, 4, 8 or 16: averages of so many rows and columns.
            pixel_filter: weights of the picture filter, if there is one; the linear path alone is not filtered.

        Returns:
            (rows, columns, 3) uint8, or (rows, columns, 1) if it is grey.
        """
        rows, cols = -(-height // STRIDE), -(-width // STRIDE)
        side = STRIDE // reduction
        region = region or Window(0, -(-height // reduction), 0, -(-width // reduction))
        channels = 1 if grey else 3
        out = torch.empty(*region.shape, channels, dtype=torch.uint8, device=device)
        # What fits in one window is computed to the latent, not to the cell.
        cores = [cells.scaled(CELL, rows, cols) for cells in cell_windows(region.coarser(side * CELL))]
        if len(cores) == 1:
            cores = [region.coarser(side)]
        at = self.position_tensor(position)
        gain = torch.exp(self.model.decoder_gain(at) - self.model.encoder_gain(at))
        for done, core in enumerate(cores):
            area = core.grown(self._halo(reduction), rows, cols)
            r_part = source.window(self.reach(core, rows, cols, reduction))
            if done + 1 < len(cores):
                source.expect(self.reach(cores[done + 1], rows, cols, reduction))
            y_hat, _ = self.latent(z, r_part, area)
            # What the filter mends shows in averages of 2×2 and 4×4, too: they are taken behind it.
            fine = pixel_filter is not None and reduction < LINEAR_FROM
            levels = self.synthesis(y_hat.mul_(gain), at, channels, 1 if fine else reduction)
            if pixel_filter is not None and fine:
                levels = _averages(filtered(levels, pixel_filter), reduction)
            pixels = area.scaled(side, area.bottom * side, area.right * side)
            part = core.scaled(side, region.bottom, region.right).shared(region)
            if part is not None:
                out[part.within(region)[2:]] = levels[part.within(pixels)[2:]].round().to(device, torch.uint8)
            _tell(progress, done + 1, len(cores))
        return out

    def _halo(self, reduction: int) -> int:
        """Latents that synthesis and picture filter see around a window."""
        return self.pixel_halo if reduction < LINEAR_FROM else 0

    def latent(
        self, z: NDArray[np.int16], r: Tensor, area: Window, known: Contexts | None = None
    ) -> tuple[Tensor, Context]:
        """ŷ of a window of latents, from r of all that it depends on; and the context of that larger area."""
        context = self._context(z, area.coarser(CELL), known)
        r = to_cells(r, context.area.shape)
        y_hat = self._second_mean(context, r).add_(r[None].to(self.device))
        return y_hat[area.within(context.area)].contiguous(memory_format=torch.channels_last), context

    def _context(self, z: NDArray[np.int16], cells: Window, known: Contexts | None = None) -> Context:
        """Features and first means of a window of cells and the halo that the second step needs.

        Cells at the end of a picture are computed whole, also where the picture has only part of their latents: the
        networks were trained on whole cells, and what is cut off here would be missing from the means beside it.
        """
        if known is not None and cells in known:
            return known[cells]
        outer = cells.grown(_CONTEXT_HALO, *z.shape[1:])
        area = outer.scaled(CELL, *(CELL * cells for cells in z.shape[1:]))
        part = torch.from_numpy(z[outer.slices]).to(self.device).float()[None]
        features = self.model.context.features(part.contiguous(memory_format=torch.channels_last))
        first = self.model.context.first_mean(features)
        mask = self.model.context.first_mask(*area.shape, area.top, area.left, first)
        context = Context(area, features, first, mask)
        if known is not None:
            known[cells] = context
        return context

    def _second_mean(self, context: Context, r: Tensor) -> Tensor:
        """Means of a context's area; r (M, rows, columns) is 0 in latents beyond the picture, which it may lack."""
        r = to_cells(r, context.area.shape)
        known = (r[None].to(self.device) + context.first).mul_(context.mask)
        return self.model.context.second_mean(context.features, context.first, known, context.mask)


def _averages(levels: Tensor, reduction: int) -> Tensor:
    """(H, W, C) to the averages of squares of ``reduction`` rows and columns, which divide both sides."""
    if reduction == 1:
        return levels
    rows, cols, channels = levels.shape
    return levels.reshape(rows // reduction, reduction, cols // reduction, reduction, channels).mean((1, 3))


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress:
        progress(done / total)
