"""Assign patches of a style to a content: each latent of the content takes the best match in the style.

This is the style swap of Chen and Schmidt (2016) on latents of 16×16 pixels. Latents are matched by their leading
channels, in which squared differences are close to those of pixels; a normalisation spreads the choice over the style.
Then neighbours receive patches that are neighbours in the style too, where that costs little (coherence, Ashikhmin, I3D
2001), so that strokes continue.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

MATCHED = 48
"""Leading channels of y that are compared."""
ROUNDS = 4
COHERENCE = 0.3
"""Cost of neighbours that are none in the style, as a share of the mean squared distance to a random patch."""
EVEN = 0.1
"""Share of the style's variance that limits how evenly patches are used; large values give plain nearest neighbours."""
_CHUNK = 2**23
_NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def matched(y: Tensor) -> Tensor:
    """Return the channels of a latent (M, h, w) that are compared, (min(M, MATCHED), h, w)."""
    return y[:MATCHED]


def laid_out(content: Tensor, style: Tensor) -> Tensor:
    """Arrange latents of a style like a content's.

    Args:
        content: (M, h, w), with the style's moments.
        style: (M, H, W).

    Returns:
        (M, h, w).
    """
    chosen = choose_patches(matched(content), matched(style))
    return style.flatten(1)[:, chosen.flatten()].reshape(content.shape)


def nearest(content: Tensor, style: Tensor) -> Tensor:
    """Match (K, L) columns of the content to (K, S) columns of the style; return indices, (L,) int64.

    Squared distances are divided by the distance of each style column to its nearest content column, plus ``EVEN`` of
    the style's variance (Granot et al., CVPR 2022), so that patches which are nobody's nearest are used too.
    """
    variance = (style - style.mean(1, keepdim=True)).square().sum(0).mean()
    parts = torch.split(content, max(1, _CHUNK // style.shape[1]), 1)
    closest = torch.full_like(style[0], torch.inf)
    for part in parts:
        closest = torch.minimum(closest, _distances(part, style).min(0).values)
    weight = 1 / (closest + EVEN * variance + 1e-12)
    return torch.cat([(_distances(part, style) * weight).argmin(1) for part in parts])


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Return the squared distances between columns of (K, L) and (K, S), (L, S)."""
    return (a.square().sum(0)[:, None] + b.square().sum(0) - 2 * (a.t() @ b)).clamp_min(0)


def choose_patches(content: Tensor, style: Tensor, rounds: int = ROUNDS) -> Tensor:
    """Choose a latent of the style for each latent of the content.

    Args:
        content: (K, h, w), compared channels, with the style's moments.
        style: (K, H, W), compared channels of the style.
        rounds: rounds that make neighbours coherent; 0 for plain nearest neighbours.

    Returns:
        (h, w) int64, row · W + column in the style.
    """
    rows, cols = style.shape[1:]
    flat = style.flatten(1)
    chosen = nearest(content.flatten(1), flat).reshape(content.shape[1:])
    spread = (flat - flat.mean(1, keepdim=True)).square().sum(0).mean()
    price = COHERENCE * 2 * spread
    row, col = torch.meshgrid(*(torch.arange(n) for n in content.shape[1:]), indexing="ij")
    for turn in range(2 * rounds):
        candidates = [chosen]
        for down, right in _NEIGHBOURS:
            source_row = _shifted(chosen // cols, down, right) + down
            source_col = _shifted(chosen % cols, down, right) + right
            inside = (source_row >= 0) & (source_row < rows) & (source_col >= 0) & (source_col < cols)
            candidates.append(torch.where(inside, source_row * cols + source_col, chosen))
        costs = []
        for candidate in candidates:
            distance = (content - flat[:, candidate.flatten()].reshape(content.shape)).square().sum(0)
            broken = sum((candidate != wanted).to(distance.dtype) for wanted in candidates[1:])
            costs.append(distance + price * broken)
        best = torch.stack(costs).argmin(0)
        better = torch.stack(candidates).gather(0, best[None])[0]
        # Update half of the positions at a time, so that each sees its neighbours' current choice.
        chosen = torch.where((row + col) % 2 == turn % 2, better, chosen)
    return chosen


def _shifted(x: Tensor, down: int, right: int) -> Tensor:
    """Return the value of each position's neighbour at (−down, −right); the border is replicated."""
    padded = F.pad(x[None, None].float(), (1, 1, 1, 1), mode="replicate")[0, 0].to(x.dtype)
    rows, cols = x.shape
    return padded[1 - down : 1 - down + rows, 1 - right : 1 - right + cols]
