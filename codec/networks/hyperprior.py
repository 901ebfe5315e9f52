"""Hyper-analysis, the float twin of the exact scale path, and the mean context model."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aez.codec.model.config import NetworkConfig
from aez.codec.networks.blank import is_blank
from aez.codec.networks.blocks import DepthConvBlock, back, block_stack, down, small_start, up
from aez.codec.networks.dct import colour_dct


class HyperAnalysis(nn.Module):
    """Network from y (N, M, h, w), h and w multiples of 4, to z (N, Z, h/4, w/4) before rounding.

    Its inputs are y and log(1 + |y|), because σ is about |y| and log σ is then nearly linear in the input.
    """

    def __init__(self, config: NetworkConfig) -> None:
        """Start the network beside the linear path near zero; training fits the linear path (``start_from_data``)."""
        super().__init__()
        self.linear = nn.Conv2d(16 * config.latent, config.hyper, 1)
        self.head = nn.Conv2d(8 * config.latent, config.hyper, 1)
        self.block = DepthConvBlock(config.hyper)
        self.tail = nn.Conv2d(4 * config.hyper, config.hyper, 1)
        small_start(self.tail)

    def forward(self, y: Tensor) -> Tensor:
        """Map y (N, M, h, w) to z (N, Z, h/4, w/4)."""
        magnitude = torch.log1p(y.abs())
        h = self.block(down(self.head, torch.cat([y, magnitude], 1), 2))
        return down(self.linear, magnitude, 4) + down(self.tail, h, 2)


class ScaleNetwork(nn.Module):
    """Network from ẑ to log σ, without the bias of the quality, in float, for training.

    ``aez.codec.training.export`` turns it into the integers of :class:`aez.codec.model.exact.ExactScales`, which coding
    uses.
    """

    def __init__(self, config: NetworkConfig) -> None:
        """Start near the expected scales of the DCT's vectors."""
        super().__init__()
        self.linear = nn.Conv2d(config.hyper, 16 * config.latent, 1, bias=False)
        self.conv1 = nn.Conv2d(config.hyper, config.scale, 1)
        self.conv2 = nn.Conv2d(config.scale, config.scale, 3, padding=1)
        self.conv3 = nn.Conv2d(config.scale, 16 * config.latent, 1)
        small_start(self.conv3)
        if is_blank(self.conv3):
            return
        _, variance = colour_dct(config.latent)
        with torch.no_grad():
            self.conv3.bias.copy_((0.5 * torch.log(variance * 40)).repeat_interleave(16))  # type: ignore[union-attr]

    def forward(self, z: Tensor) -> Tensor:
        """Map ẑ (N, Z, h, w) to log σ (N, M, 4·h, 4·w)."""
        hidden = F.relu(self.conv2(F.relu(self.conv1(z))))
        return up(self.linear, z, 4) + up(self.conv3, hidden, 4)


class MeanContext(nn.Module):
    """Networks that predict μ in two steps: from ẑ, then also from the half of ŷ that is known (checkerboard)."""

    def __init__(self, config: NetworkConfig) -> None:
        """Start with means near zero."""
        super().__init__()
        self.latent = config.latent
        self.up64 = nn.Conv2d(config.hyper, 4 * config.hyper, 1)
        self.block32 = DepthConvBlock(config.hyper)
        self.up32 = nn.Conv2d(config.hyper, 4 * config.context, 1)
        self.block16 = DepthConvBlock(config.context)
        self.mean = nn.Conv2d(config.context, config.latent, 1)
        self.fuse = nn.Conv2d(config.context + config.latent, config.context, 1)
        self.blocks = block_stack(1, config.context)
        self.update = nn.Conv2d(config.context, config.latent, 1)
        small_start(self.mean, 1e-2)
        small_start(self.update)

    def features(self, z: Tensor) -> Tensor:
        """Map ẑ (N, Z, h, w) to features (N, C, 4·h, 4·w)."""
        h = self.block32(up(self.up64, z, 2))
        out: Tensor = self.block16(up(self.up32, h, 2))
        return out

    def first_mean(self, features: Tensor) -> Tensor:
        """Predict μ of every element from ẑ alone; final for the elements of :meth:`first_mask`."""
        out: Tensor = self.mean(features)
        return out

    def second_mean(self, features: Tensor, mean: Tensor, known: Tensor, mask: Tensor) -> Tensor:
        """Predict μ of every element when the elements of the first step are known.

        Args:
            features: (N, C, h, w).
            mean: result of :meth:`first_mean`.
            known: ŷ where ``mask`` is 1, 0 elsewhere.
            mask: result of :meth:`first_mask`.

        Returns:
            (N, M, h, w); where ``mask`` is 1, it is ``mean``.
        """
        update: Tensor = self.update(self.blocks(self._fused(features, known)))
        return torch.addcmul(mean, update, 1 - mask)

    def second_mean_slope(self, features: Tensor, known: Tensor, mask: Tensor, by_mean: Tensor) -> Tensor:
        """Return the slopes by ``known`` of what has the slopes ``by_mean`` by the result of :meth:`second_mean`.

        All are (N, M, h, w) but the features; the vector–Jacobian product in operations of the forward pass.
        """
        inputs = [self._fused(features, known)]
        for block in self.blocks[:-1]:
            inputs.append(block(inputs[-1]))
        slope = back(self.update, by_mean * (1 - mask))
        for block, x in zip(reversed(self.blocks), reversed(inputs), strict=True):
            slope = block.slope(x, slope)  # type: ignore[operator]
        return F.conv2d(slope, self.fuse.weight[:, features.shape[1] :].transpose(0, 1)) * mask

    def _fused(self, features: Tensor, known: Tensor) -> Tensor:
        """Return the input of the blocks of the second step."""
        # Two convolutions, not one on the concatenation of both inputs: that copy costs as much as a block.
        width = features.shape[1]
        weight = self.fuse.weight
        return F.conv2d(features, weight[:, :width], self.fuse.bias) + F.conv2d(known, weight[:, width:])

    def two_steps(self, z: Tensor, known: Callable[[Tensor], Tensor]) -> Tensor:
        """Return μ of every element, after both steps.

        Args:
            z: ẑ (N, Z, h, w).
            known: gives ŷ of all elements from the means of the first step, both (N, M, 4·h, 4·w); ŷ of the elements
                of the first step counts.

        Returns:
            (N, M, 4·h, 4·w).
        """
        features = self.features(z)
        first = self.first_mean(features)
        mask = self.first_mask(first.shape[2], first.shape[3], 0, 0, first)
        return self.second_mean(features, first, known(first) * mask, mask)

    def first_mask(self, rows: int, cols: int, row0: int, col0: int, like: Tensor) -> Tensor:
        """Make the mask of the first step: 1 for half of the channels on even positions, for the others on odd ones.

        Args:
            rows: height of the window of latents.
            cols: width of the window.
            row0: first row of the window in the whole latent.
            col0: first column of the window in the whole latent.
            like: tensor that gives device and dtype.

        Returns:
            (1, M, rows, cols).
        """
        row = torch.arange(row0, row0 + rows, device=like.device)[:, None]
        col = torch.arange(col0, col0 + cols, device=like.device)[None]
        even = ((row + col) % 2 == 0).to(like.dtype)[None, None]
        half = self.latent // 2
        mask = torch.cat([even.expand(1, half, -1, -1), (1 - even).expand(1, self.latent - half, -1, -1)], 1)
        return mask.contiguous(memory_format=torch.channels_last)


def to_cells(values: Tensor, shape: Sequence[int], fill: int = 0) -> Tensor:
    """Pad latents (…, rows, columns) below and to the right to the shape of an area of whole cells."""
    rows, cols = values.shape[-2:]
    if (rows, cols) == tuple(shape):
        return values
    return F.pad(values, (0, shape[1] - cols, 0, shape[0] - rows), value=fill)
