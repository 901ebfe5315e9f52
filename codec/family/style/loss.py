"""Losses of style transfer, on features of the codec's encoder.

Style is the distribution of features over a picture at several scales. It is compared by moments and by the sliced
Wasserstein distance (Heitz et al., CVPR 2021), for which features are projected and sorted. Content is the features
normalised to mean 0 and variance 1 over the picture, which a style changes least.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

PROJECTIONS, COLOUR_PROJECTIONS = 96, 16
LAYOUT = 16
"""Leading channels of y whose layout belongs to the content."""
_LEAST = 1e-3

Level = tuple[Tensor, Tensor]
"""y (N, M, h, w) and h (N, A, 2·h, 2·w) of pictures at one scale."""


def style_distance(a: Sequence[Level], b: Sequence[Level], spread: tuple[Tensor, Tensor]) -> Tensor:
    """Return the distance of pictures a from the styles b, by features at the same scales; their sizes may differ.

    ``spread`` are typical standard deviations of the channels of y and h, by which differences are divided.
    """
    total = torch.zeros((), device=a[0][0].device)
    for one, style in zip(a, b, strict=True):
        y, h = (x / s[:, None, None] for x, s in zip(one, spread, strict=True))
        y_style, h_style = (x / s[:, None, None] for x, s in zip(style, spread, strict=True))
        total = total + sliced(h, h_style, PROJECTIONS) + 0.5 * sliced(y, y_style, 0)
        total = total + 0.5 * moment_distance(h, h_style) + 0.5 * moment_distance(y, y_style)
    return total / len(a)


def content_distance(a: Level, b: Level) -> Tensor:
    """Return the mean squared difference of normalised features of pictures of one size.

    The features are h and the leading channels of y.
    """
    layout = F.mse_loss(_normalised(a[0][:, :LAYOUT]), _normalised(b[0][:, :LAYOUT]))
    return layout + F.mse_loss(_normalised(a[1]), _normalised(b[1]))


def colour_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return the distance of colours of pictures (N, 3, ·, ·), averaged over 8×8 pixels, in quarters of the range."""
    return sliced(4 * F.avg_pool2d(a, 8), 4 * F.avg_pool2d(b, 8), COLOUR_PROJECTIONS)


def seam_distance(a: Tensor, side: int) -> Tensor:
    """Return by which share pictures (N, 3, ·, ·) are rougher across borders of side × side patches than elsewhere.

    It penalises visible borders of adjacent patches.
    """
    total = torch.zeros((), device=a.device)
    for axis in (2, 3):
        steps = a.diff(dim=axis).abs().mean((1, 5 - axis))
        at_border = torch.arange(1, steps.shape[1] + 1, device=a.device) % side == 0
        border, inside = steps[:, at_border].mean(1), steps[:, ~at_border].mean(1)
        total = total + ((border - inside).clamp_min(0) / (inside.detach() + _LEAST)).mean()
    return total


def sliced(a: Tensor, b: Tensor, projections: int) -> Tensor:
    """Return the mean distance of sorted values of (N, C, ·, ·), along every channel and along random directions.

    A difference d counts as d² / 2 up to 1 and as |d| − 1/2 beyond, so that a few large values do not dominate.
    """
    flat = [x.flatten(2).float() for x in (a, b)]
    if projections:
        directions = torch.randn(projections, a.shape[1], device=a.device)
        directions = directions / directions.norm(dim=1, keepdim=True)
        flat = [torch.cat([x, directions @ x], 1) for x in flat]
    mine, theirs = (x.sort(2).values for x in flat)
    if mine.shape[2] != theirs.shape[2]:  # interpolate to the same number of quantiles
        theirs = F.interpolate(theirs, size=mine.shape[2], mode="linear", align_corners=True)
    return F.smooth_l1_loss(mine, theirs)


def moment_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return AdaIN's style loss: differences of means and deviations of channels, counted as in :func:`sliced`."""
    mine, theirs = a.flatten(2).float(), b.flatten(2).float()
    means = F.smooth_l1_loss(mine.mean(2), theirs.mean(2))
    return means + F.smooth_l1_loss(_deviation(mine), _deviation(theirs))


def _deviation(flat: Tensor) -> Tensor:
    """Return the standard deviation along the last axis, with a finite gradient at 0."""
    return ((flat - flat.mean(2, keepdim=True)).square().mean(2) + _LEAST**2).sqrt()


def _normalised(x: Tensor) -> Tensor:
    return F.instance_norm(x.float(), eps=_LEAST)
