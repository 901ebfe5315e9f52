"""Patches of a style for a content: every latent of the content finds one of the style by its low frequencies.

The style swap of Chen and Schmidt (2016) on latents of 16×16 pixels: the nearest neighbour by the leading channels, in
which squared differences are nearly those of pixels, evened out over the style. Then neighbours are given patches that
were neighbours in the style too, where that costs little (coherence, Ashikhmin, I3D 2001), so that strokes go on.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

MATCHED = 48
"""Leading channels of y that are compared."""
ROUNDS = 4
COHERENCE = 0.3
"""What two neighbours that were none in the style cost, as a share of the mean squared distance to a random patch."""
EVEN = 0.1
"""Share of the style's variance that tempers how evenly patches are used; large values give plain nearest ones."""
_CHUNK = 2**23
_NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def matched(y: Tensor) -> Tensor:
    """(M, h, w) to what is compared, (min(M, MATCHED), h, w)."""
    return y[:MATCHED]


def laid_out(content: Tensor, style: Tensor) -> Tensor:
    """Latents of a style laid out like a content's.

    Args:
        content: (M, h, w), its moments already the style's.
        style: (M, H, W).

    Returns:
        (M, h, w).
    """
    chosen = choose_patches(matched(content), matched(style))
    return style.flatten(1)[:, chosen.flatten()].reshape(content.shape)


def nearest(content: Tensor, style: Tensor) -> Tensor:
    """Index of the most fitting of (K, S) columns for each of (K, L) columns: (L,) int64.

    Squared distances are divided by how near each column of the style is to its nearest of the content, plus ``EVEN``
    of the style's variance (Granot et al., CVPR 2022), so that patches which would be nobody's nearest are used too.
    """
    variance = (style - style.mean(1, keepdim=True)).square().sum(0).mean()
    parts = torch.split(content, max(1, _CHUNK // style.shape[1]), 1)
    closest = torch.full_like(style[0], torch.inf)
    for part in parts:
        closest = torch.minimum(closest, _distances(part, style).min(0).values)
    weight = 1 / (closest + EVEN * variance + 1e-12)
    return torch.cat([(_distances(part, style) * weight).argmin(1) for part in parts])


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances of columns, (K, L) and (K, S) to (L, S)."""
    return (a.square().sum(0)[:, None] + b.square().sum(0) - 2 * (a.t() @ b)).clamp_min(0)


def choose_patches(content: Tensor, style: Tensor, rounds: int = ROUNDS) -> Tensor:
    """Which latent of the style each latent of the content takes.

    Args:
        content: (K, h, w), compared channels, its moments already the style's.
        style: (K, H, W), the same of the style.
        rounds: of making neighbours coherent; 0 for the nearest alone.

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
        # Half of the positions at a time, so that neighbours do not wait for each other's old choice.
        chosen = torch.where((row + col) % 2 == turn % 2, better, chosen)
    return chosen


def _shifted(x: Tensor, down: int, right: int) -> Tensor:
    """The value of each position's neighbour at (−down, −right); its own at the border."""
    padded = F.pad(x[None, None].float(), (1, 1, 1, 1), mode="replicate")[0, 0].to(x.dtype)
    rows, cols = x.shape
    return padded[1 - down : 1 - down + rows, 1 - right : 1 - right + cols]
