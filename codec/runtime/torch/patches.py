"""The first and last layers of the transforms on interleaved pictures; see :mod:`aez.codec.runtime.ends`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.geometry.grid import LINEAR_FROM
from aez.codec.networks.transforms import Analysis, Synthesis
from aez.codec.runtime.ends import (
    FLAT_SIDE,
    OUTPUT_BOUND,
    PATCH,
    QUARTER,
    STRIDE,
    Matrix,
    analysis_linear,
    analysis_start,
    synthesis_end,
)


class PatchAnalysis:
    """An :class:`Analysis` that takes the levels of interleaved pictures, RGB or grey."""

    def __init__(self, analysis: Analysis) -> None:
        """Permute the weights of the two layers that take pixels; the other layers are those of ``analysis``."""
        self.module = analysis
        # pixel_unshuffle by 2 followed by a 1×1 layer equals a 2×2 layer of stride 2.
        tail = analysis.tail.weight
        self.tail = tail.reshape(len(tail), -1, 2, 2).contiguous(memory_format=torch.channels_last)
        head, linear, device = _array(analysis.head.weight), _array(analysis.linear.weight), tail.device
        self.head = {n: torch.from_numpy(analysis_start(head, n)).to(device) for n in (1, 3)}
        self.linear = {n: torch.from_numpy(analysis_linear(linear, n)).to(device) for n in (1, 3)}

    def __call__(self, pixels: Tensor, position: Tensor) -> Tensor:
        """Analyse a picture.

        Args:
            pixels: (H, W, 3) or (H, W, 1) levels, uint8 or float32; the sides are multiples of 16.
            position: (1,), a quality point.

        Returns:
            (1, M, H/16, W/16) float32.
        """
        rows, cols, channels = pixels.shape[0] // PATCH, pixels.shape[1] // PATCH, pixels.shape[2]
        patches = pixels.reshape(rows, PATCH, cols, channels * PATCH).permute(0, 2, 1, 3).reshape(rows * cols, -1)
        x = patches.to(torch.float32).mul_(1 / 255).sub_(0.5)
        module = self.module
        h = torch.addmm(module.head.bias, x, self.head[channels])  # type: ignore[arg-type]
        h = h.reshape(1, rows, cols, -1).permute(0, 3, 1, 2).mul_(torch.exp(module.gain(position)))
        h = F.conv2d(module.blocks(h), self.tail, module.tail.bias, stride=2)
        wide = x.reshape(rows // 2, 2, cols // 2, 2, -1).permute(0, 2, 1, 3, 4).reshape(rows * cols // 4, -1)
        y = torch.addmm(module.linear.bias, wide, self.linear[channels])  # type: ignore[arg-type]
        return y.reshape(1, rows // 2, cols // 2, -1).permute(0, 3, 1, 2).add_(h)


class PatchSynthesis:
    """A :class:`Synthesis` that gives interleaved pictures, RGB or grey."""

    def __init__(self, synthesis: Synthesis) -> None:
        """Take the layers of ``synthesis``; their weights are permuted when they are first needed."""
        self.module = synthesis
        self._ends: dict[tuple[nn.Conv2d, int, int], _End] = {}
        self._last_flat: tuple[tuple[float, int], Tensor] | None = None

    def __call__(self, y: Tensor, position: Tensor, channels: int = 3, reduction: int = 1) -> Tensor:
        """Synthesise levels, which are not rounded.

        Args:
            y: ŷ with the gain divided out, (1, M, h, w) float32.
            position: (1,), a quality point.
            channels: 3 for a colour picture, 1 for a grey one.
            reduction: 1, 2, 4, 8 or 16.

        Returns:
            (16·h / reduction, 16·w / reduction, channels) float32, not clipped. Each is the average of reduction²
            samples. If the reduction is ``LINEAR_FROM`` or more, these are samples of the linear path plus the
            contribution of the network to a flat picture.
        """
        rows, cols = y.shape[2:]
        side = STRIDE // reduction
        linear, bias = self._end(self.module.linear, channels, reduction)
        x = torch.addmm(bias, y.permute(0, 2, 3, 1).reshape(rows * cols, -1), linear)
        if reduction < LINEAR_FROM:
            tail, bias = self._end(self.module.tail, channels, reduction)
            small = QUARTER // reduction
            h = self.module.hidden(y, position).permute(0, 2, 3, 1).reshape(QUARTER**2 * rows * cols, -1)
            fine = torch.addmm(bias, h, tail).reshape(rows, QUARTER, cols, QUARTER, small, channels * small)
            x.add_(fine.permute(0, 2, 1, 4, 3, 5).reshape(rows * cols, -1))
        else:
            x.reshape(rows * cols, side**2, channels).add_(self._flat(position, channels))
        levels = x.clamp_(-OUTPUT_BOUND, OUTPUT_BOUND).mul_(255).add_(127.5)
        levels = levels.reshape(rows, cols, side, channels * side).permute(0, 2, 1, 3)
        return levels.reshape(side * rows, side * cols, channels)

    def _flat(self, position: Tensor, channels: int) -> Tensor:
        """Return the network's contribution where all latents are zero, (channels,): a few levels divided by 255."""
        key = float(position), channels
        last = self._last_flat  # read once, because other threads may replace it
        if last is None or last[0] != key:
            module, middle = self.module, QUARTER * FLAT_SIDE // 2
            hidden = module.hidden(
                module.linear.weight.new_zeros(1, module.linear.in_channels, FLAT_SIDE, FLAT_SIDE), position
            )
            inner = hidden[0, :, middle : middle + QUARTER, middle : middle + QUARTER].flatten(1).t()
            tail, bias = self._end(module.tail, channels, QUARTER)
            last = self._last_flat = key, torch.addmm(bias, inner, tail).mean(0)
        return last[1]

    def linear_end(self, channels: int) -> Tensor:
        """Return the matrix of the linear path, (M, 16²·channels): the interleaved rows of pixels of each latent."""
        return self._end(self.module.linear, channels, 1)[0]

    def _end(self, layer: nn.Conv2d, channels: int, reduction: int) -> "_End":
        """Return the permuted weights of one of the two layers that give pixels; they are cached."""
        key = layer, channels, reduction
        if key not in self._ends:
            self._ends[key] = _interleaved(layer, channels, reduction)
        return self._ends[key]


_End = tuple[Tensor, Tensor]


def _interleaved(layer: nn.Conv2d, channels: int, reduction: int) -> _End:
    """Return the weight, (inputs, outputs), and the bias of a layer with its outputs permuted."""
    assert layer.bias is not None  # Conv2d has one unless told otherwise
    weight, bias = (
        torch.from_numpy(synthesis_end(_array(part), channels, reduction)).to(part.device)
        for part in (layer.weight, layer.bias)
    )
    return weight, bias[0]


def _array(parameter: Tensor) -> Matrix:
    out: Matrix = parameter.detach().cpu().numpy()
    return out
