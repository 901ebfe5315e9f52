"""The pixel ends of the transforms in the order in which pixels lie in memory, for inference.

A grey picture is what the transforms see as three equal colours; here their weights are summed beforehand, and on the
way back the three are averaged, so that grey costs a third of the work at the pixels.

``pixel_unshuffle`` of a whole picture costs as much as the network behind it: its channel order (colour, row, column)
is not that of an interleaved picture. Permuting the weights once lets rows of whole patches be copied instead. The
results are those of :mod:`aez.codec.networks.transforms` to float rounding.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.bitstream.header import LATENT_STRIDE
from aez.codec.geometry.grid import LINEAR_FROM
from aez.codec.networks.transforms import Analysis, Synthesis

STRIDE, PATCH, QUARTER = LATENT_STRIDE, 8, 4
_FLAT_SIDE = 8
"""Rows and columns of latents that are enough for those in the middle to see no edge."""


class PatchAnalysis:
    """:class:`Analysis` on interleaved uint8 pictures, RGB or grey."""

    def __init__(self, analysis: Analysis) -> None:
        """Permute the weights of the two layers that see pixels; the rest is the module's own."""
        self.module = analysis
        head = analysis.head.weight.reshape(-1, 3, PATCH, PATCH)
        # The 16×16 patch is read as 2×2 patches of 8×8.
        linear = analysis.linear.weight.reshape(-1, 3, 2, PATCH, 2, PATCH).permute(2, 4, 3, 5, 1, 0)
        # pixel_unshuffle by 2 and a 1×1 layer behind it are a 2×2 layer of stride 2.
        tail = analysis.tail.weight
        self.tail = tail.reshape(len(tail), -1, 2, 2).contiguous(memory_format=torch.channels_last)
        self.head, self.linear = {}, {}
        for channels in (1, 3):
            seen = head if channels == 3 else head.sum(1, keepdim=True)
            self.head[channels] = seen.permute(2, 3, 1, 0).reshape(channels * PATCH**2, -1).contiguous()
            seen = linear if channels == 3 else linear.sum(4, keepdim=True)
            self.linear[channels] = seen.reshape(channels * STRIDE**2, -1).contiguous()

    def __call__(self, pixels: Tensor, position: Tensor) -> Tensor:
        """(H, W, 3) or (H, W, 1) uint8, sides multiples of 16, and a point (1,) to (1, M, H/16, W/16) float32."""
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
    """:class:`Synthesis` to interleaved pictures, RGB or grey."""

    def __init__(self, synthesis: Synthesis) -> None:
        """Weights are permuted when they are first needed."""
        self.module = synthesis
        self._ends: dict[tuple[nn.Conv2d, int, int], _End] = {}
        self._last_flat: tuple[tuple[float, int], Tensor] | None = None

    def __call__(self, y: Tensor, position: Tensor, channels: int = 3, reduction: int = 1) -> Tensor:
        """ŷ (1, M, h, w) float32, gain divided out, and a quality point (1,) to levels that are not rounded yet.

        Returns:
            (16·h / reduction, 16·w / reduction, channels) float32, 0 … 255; each sample the average of reduction²
            samples, of the linear path alone and what the network adds to a flat picture if the reduction is
            ``LINEAR_FROM`` or more.
        """
        rows, cols = y.shape[2:]
        side = STRIDE // reduction
        linear, bias = self._end(self.module.linear, STRIDE, channels, reduction)
        x = torch.addmm(bias, y.permute(0, 2, 3, 1).reshape(rows * cols, -1), linear)
        if reduction < LINEAR_FROM:
            tail, bias = self._end(self.module.tail, QUARTER, channels, reduction)
            small = QUARTER // reduction
            h = self.module.hidden(y, position).permute(0, 2, 3, 1).reshape(QUARTER**2 * rows * cols, -1)
            fine = torch.addmm(bias, h, tail).reshape(rows, QUARTER, cols, QUARTER, small, channels * small)
            x.add_(fine.permute(0, 2, 1, 4, 3, 5).reshape(rows * cols, -1))
        else:
            x.reshape(rows * cols, side**2, channels).add_(self._flat(position, channels))
        levels = x.clamp_(-0.5, 0.5).mul_(255).add_(127.5)
        levels = levels.reshape(rows, cols, side, channels * side).permute(0, 2, 1, 3)
        return levels.reshape(side * rows, side * cols, channels)

    def _flat(self, position: Tensor, channels: int) -> Tensor:
        """What the network adds to the linear path where all latents are zero, (channels,): a few levels of 255."""
        key = float(position), channels
        last = self._last_flat  # other threads may put theirs there
        if last is None or last[0] != key:
            module, middle = self.module, QUARTER * _FLAT_SIDE // 2
            hidden = module.hidden(
                module.linear.weight.new_zeros(1, module.linear.in_channels, _FLAT_SIDE, _FLAT_SIDE), position
            )
            inner = hidden[0, :, middle : middle + QUARTER, middle : middle + QUARTER].flatten(1).t()
            tail, bias = self._end(module.tail, QUARTER, channels, QUARTER)
            last = self._last_flat = key, torch.addmm(bias, inner, tail).mean(0)
        return last[1]

    def linear_end(self, channels: int) -> Tensor:
        """The linear path's matrix, (M, 16²·channels): rows of pixels of a latent, interleaved."""
        return self._end(self.module.linear, STRIDE, channels, 1)[0]

    def _end(self, layer: nn.Conv2d, side: int, channels: int, reduction: int) -> "_End":
        """The permuted weights of one of the two layers that make pixels, kept."""
        key = layer, channels, reduction
        if key not in self._ends:
            self._ends[key] = _interleaved(layer, side, channels, reduction)
        return self._ends[key]


_End = tuple[Tensor, Tensor]


def _interleaved(layer: nn.Conv2d, side: int, channels: int, reduction: int) -> _End:
    """Weight (inputs, side²·channels) and bias, outputs ordered row–column–colour instead of colour–row–column.

    With a reduction, each output is the average of reduction² neighbours.
    """

    def ordered(weight: Tensor) -> Tensor:
        small = side // reduction
        planes = weight.reshape(3, small, reduction, small, reduction, -1).mean((2, 4))
        if channels == 1:
            planes = planes.mean(0, keepdim=True)
        return planes.permute(3, 1, 2, 0).reshape(weight.shape[1], -1).contiguous()

    return ordered(layer.weight.flatten(1)), ordered(layer.bias[:, None])[0]  # type: ignore[index]
