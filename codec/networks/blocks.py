"""The building block of all networks, and convolutions that keep channels last in memory."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.networks.blank import is_blank

# Branches start so close to zero that a new block does not change the output of a trained network.
BRANCH_STD = 1e-3
# Positions per slice on a CPU: 4·C channels of float32 are 1 to 4 MB.
SLICE = 2048


class DepthConvBlock(nn.Module):
    """Depthwise convolution and gated-sum feed-forward, each a residual (DCVC-RT, Jia et al., CVPR 2025).

    Input and output are (N, C, H, W); 7·C² + 9·C multiply–accumulates per position; the receptive field is 3×3.
    """

    def __init__(self, channels: int) -> None:
        """Make a block of ``channels`` channels whose two branches are close to zero."""
        super().__init__()
        self.conv_in = nn.Conv2d(channels, channels, 1)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.conv_out = nn.Conv2d(channels, channels, 1)
        self.expand = nn.Conv2d(channels, 4 * channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)
        for layer in (self.conv_out, self.project):
            small_start(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape and dtype; the branches run in the dtype of their weights."""
        inside, free = self.conv_in.weight.dtype, not torch.is_grad_enabled()
        h = self.conv_out(self.depthwise(F.silu(self.conv_in(x.to(inside)), inplace=free)))
        x = _sum_into(h, x)
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            a, b, c, d = (F.silu(part) for part in self._expanded(x))
            return _sum_into(self.project(a + b + c + d), x)
        if free and x.device.type == "cpu":
            return self._add_feed_forward(x)
        a, b, c, d = F.silu(self.expand(x.to(inside)), inplace=free).chunk(4, 1)
        return _sum_into(self.project((a + b).add_(c).add_(d)), x)

    def slope(self, x: Tensor, by_output: Tensor) -> Tensor:
        """Return the slopes by the input of what has the slopes ``by_output`` by the output, both (N, C, H, W).

        This is the vector–Jacobian product in operations of the forward pass, which a traced graph can hold.
        """
        before = self.conv_in(x)
        middle = self.conv_out(self.depthwise(F.silu(before))) + x
        by_sum = back(self.project, by_output)
        by_middle = by_output
        for part, weight in zip(self._expanded(middle), self.expand.weight.chunk(4), strict=True):
            by_middle = by_middle + F.conv2d(by_sum * _silu_slope(part), weight.transpose(0, 1))
        by_silu = F.conv2d(
            back(self.conv_out, by_middle), self.depthwise.weight.flip(2, 3), padding=1, groups=self.depthwise.groups
        )
        return back(self.conv_in, by_silu * _silu_slope(before)) + by_middle

    def _expanded(self, x: Tensor) -> list[Tensor]:
        """Return the four parts of the expansion, computed one by one: a graph need not copy them out of their sum."""
        weights, biases = self.expand.weight.chunk(4), self.expand.bias.chunk(4)  # type: ignore[union-attr]
        return [F.conv2d(x, weight, bias) for weight, bias in zip(weights, biases, strict=True)]

    def _add_feed_forward(self, x: Tensor) -> Tensor:
        """Add the second branch to ``x`` in place, slice by slice.

        The branch treats each position alone. Its 4·C channels of a whole picture fit neither a cache nor the blocks
        that the allocator keeps, so slices can halve the time of the same sums.
        """
        expand, project = self.expand, self.project
        rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
        for part in torch.split(rows, SLICE):
            h = F.linear(part.to(expand.weight.dtype), expand.weight.flatten(1), expand.bias)
            a, b, c, d = F.silu(h, inplace=True).chunk(4, 1)
            part.add_(F.linear((a + b).add_(c).add_(d), project.weight.flatten(1), project.bias))
        return rows.reshape(x.shape[0], *x.shape[2:], x.shape[1]).permute(0, 3, 1, 2)


def back(layer: nn.Conv2d, by_output: Tensor) -> Tensor:
    """Apply the transpose of a 1×1 convolution to slopes, (N, outputs, H, W)."""
    return F.conv2d(by_output, layer.weight.transpose(0, 1))


def _silu_slope(x: Tensor) -> Tensor:
    """Return the derivative of SiLU."""
    share = torch.sigmoid(x)
    return share * (1 + x * (1 - share))


def _sum_into(branch: Tensor, x: Tensor) -> Tensor:
    """Return x + branch in the dtype of ``x``, in the memory of the branch if the dtypes are equal."""
    return branch.add_(x) if branch.dtype == x.dtype else branch.to(x.dtype).add_(x)


def down(layer: nn.Conv2d, x: Tensor, factor: int) -> Tensor:
    """Compute ``layer(pixel_unshuffle(x, factor))`` as one strided convolution, which keeps channels last in memory.

    Args:
        layer: 1×1 convolution of factor²·C inputs.
        x: (N, C, factor·h, factor·w).
        factor: positions that are joined, per axis.

    Returns:
        (N, outputs, h, w).
    """
    weight = layer.weight.reshape(len(layer.weight), -1, factor, factor)
    return F.conv2d(x, weight.to(x.dtype).contiguous(memory_format=torch.channels_last), layer.bias, stride=factor)


def up(layer: nn.Conv2d, x: Tensor, factor: int) -> Tensor:
    """Compute ``pixel_shuffle(layer(x), factor)`` with channels last in memory, so that whole pixels are copied.

    Args:
        layer: 1×1 convolution of factor²·C outputs.
        x: (N, inputs, h, w).
        factor: positions made from one, per axis.

    Returns:
        (N, C, factor·h, factor·w).
    """
    rows = x.permute(0, 2, 3, 1)
    weight = layer.weight.reshape(-1, factor**2, x.shape[1]).transpose(0, 1).reshape(-1, x.shape[1])
    bias = None if layer.bias is None else layer.bias.reshape(-1, factor**2).t().reshape(-1)
    out = F.linear(rows, weight, bias).reshape(*rows.shape[:3], factor, factor, -1).transpose(2, 3)
    n, h, _, w = out.shape[:4]
    return out.reshape(n, h * factor, w * factor, -1).permute(0, 3, 1, 2)


def block_stack(depth: int, channels: int) -> nn.Sequential:
    """Make ``depth`` blocks in sequence."""
    return nn.Sequential(*(DepthConvBlock(channels) for _ in range(depth)))


@torch.no_grad()
def small_start(layer: nn.Conv2d | nn.Linear, std: float = BRANCH_STD) -> None:
    """Start the last layer of a branch near zero, so that the shortcut beside it trains first."""
    if is_blank(layer):
        return
    nn.init.normal_(layer.weight, std=std)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
