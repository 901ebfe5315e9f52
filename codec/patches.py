"""The pixel ends of the transforms in the order in which pixels lie in memory, for inference.

``pixel_unshuffle`` of a whole picture costs as much as the network behind it: its channel order (colour, row, column)
is not that of an interleaved picture. Permuting the weights once lets rows of whole patches be copied instead. The
results are those of :mod:`aez.codec.networks.transforms` to float rounding.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.codec.networks.transforms import Analysis, Synthesis

STRIDE, PATCH, QUARTER = 16, 8, 4


class PatchAnalysis:
    """:class:`Analysis` on interleaved uint8 pictures."""

    def __init__(self, analysis: Analysis) -> None:
        """Permute the weights of the two layers that see pixels; the rest is the module's own."""
        self.module = analysis
        head, linear = analysis.head.weight, analysis.linear.weight
        self.head = head.reshape(-1, 3, PATCH, PATCH).permute(2, 3, 1, 0).reshape(3 * PATCH**2, -1).contiguous()
        # pixel_unshuffle by 2 and a 1×1 layer behind it are a 2×2 layer of stride 2.
        tail = analysis.tail.weight
        self.tail = tail.reshape(len(tail), -1, 2, 2).contiguous(memory_format=torch.channels_last)
        # The 16×16 patch is read as 2×2 patches of 8×8.
        self.linear = (
            linear.reshape(-1, 3, 2, PATCH, 2, PATCH).permute(2, 4, 3, 5, 1, 0).reshape(3 * STRIDE**2, -1).contiguous()
        )

    def __call__(self, pixels: Tensor, position: Tensor) -> Tensor:
        """(H, W, 3) uint8, sides multiples of 16, and a quality point (1,) to (1, M, H/16, W/16) float32."""
        rows, cols = pixels.shape[0] // PATCH, pixels.shape[1] // PATCH
        patches = pixels.reshape(rows, PATCH, cols, 3 * PATCH).permute(0, 2, 1, 3).reshape(rows * cols, -1)
        x = patches.to(torch.float32).mul_(1 / 255).sub_(0.5)
        module = self.module
        h = torch.addmm(module.head.bias, x, self.head)  # type: ignore[arg-type]
        h = h.reshape(1, rows, cols, -1).permute(0, 3, 1, 2).mul_(torch.exp(module.gain(position)))
        h = F.conv2d(module.blocks(h), self.tail, module.tail.bias, stride=2)
        wide = x.reshape(rows // 2, 2, cols // 2, 2, -1).permute(0, 2, 1, 3, 4).reshape(rows * cols // 4, -1)
        y = torch.addmm(module.linear.bias, wide, self.linear)  # type: ignore[arg-type]
        return y.reshape(1, rows // 2, cols // 2, -1).permute(0, 3, 1, 2).add_(h)


class PatchSynthesis:
    """:class:`Synthesis` to interleaved uint8 pictures."""

    def __init__(self, synthesis: Synthesis) -> None:
        """Permute the weights of the two layers that make pixels."""
        self.module = synthesis
        self.tail = _interleaved(synthesis.tail.weight.flatten(1), QUARTER)
        self.tail_bias = _interleaved(synthesis.tail.bias[:, None], QUARTER)[0]  # type: ignore[index]
        self.linear = _interleaved(synthesis.linear.weight.flatten(1), STRIDE)
        self.linear_bias = _interleaved(synthesis.linear.bias[:, None], STRIDE)[0]  # type: ignore[index]

    def __call__(self, y: Tensor, position: Tensor) -> Tensor:
        """ŷ (1, M, h, w) float32, gain divided out, and a quality point (1,) to (16·h, 16·w, 3) uint8."""
        rows, cols = y.shape[2:]
        h = self.module.hidden(y, position).permute(0, 2, 3, 1).reshape(16 * rows * cols, -1)
        fine = torch.addmm(self.tail_bias, h, self.tail)
        fine = fine.reshape(rows, QUARTER, cols, QUARTER, QUARTER, 3 * QUARTER).permute(0, 2, 1, 4, 3, 5)
        coarse = torch.addmm(self.linear_bias, y.permute(0, 2, 3, 1).reshape(rows * cols, -1), self.linear)
        x = coarse.add_(fine.reshape(rows * cols, -1)).clamp_(-0.5, 0.5)
        levels = x.mul_(255).add_(127.5).round_().to(torch.uint8)
        levels = levels.reshape(rows, cols, STRIDE, 3 * STRIDE).permute(0, 2, 1, 3)
        return levels.reshape(STRIDE * rows, STRIDE * cols, 3)


def _interleaved(weight: Tensor, side: int) -> Tensor:
    """(3·side², inputs), rows ordered colour–row–column, to (inputs, side²·3) ordered row–column–colour."""
    return weight.reshape(3, side, side, -1).permute(3, 1, 2, 0).reshape(weight.shape[1], -1).contiguous()
