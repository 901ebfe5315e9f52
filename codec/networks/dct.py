"""The orthonormal colour DCT, the start of both linear shortcuts."""

import math

import torch
from torch import Tensor

CHROMA_VARIANCE = 0.12
"""Variance of each chroma axis relative to luma, measured on photographs."""


def colour_dct(rows: int, size: int = 16) -> tuple[Tensor, Tensor]:
    """Return the leading basis vectors of the size×size DCT-II on a decorrelated colour basis.

    The vectors are sorted by expected variance, largest first: 1 / (1 + u² + v²) for luma at frequency (u, v), and
    ``CHROMA_VARIANCE`` times that for each chroma axis.

    Args:
        rows: number of vectors.
        size: side of the DCT.

    Returns:
        The vectors, (rows, 3·size²) float32, orthonormal, columns in the order of ``pixel_unshuffle(x, size)``, and
        their expected variances, (rows,).
    """
    k, i = torch.arange(size, dtype=torch.float64)[:, None], torch.arange(size, dtype=torch.float64)[None]
    cosines = torch.cos(math.pi * (2 * i + 1) * k / (2 * size)) * math.sqrt(2 / size)
    cosines[0] /= math.sqrt(2)
    colours = torch.tensor(
        [[3**-0.5] * 3, [-(6**-0.5), -(6**-0.5), 2 * 6**-0.5], [2**-0.5, -(2**-0.5), 0]], dtype=torch.float64
    )
    order = sorted(
        (
            (weight / (1 + u * u + v * v), colour, u, v)
            for colour, weight in enumerate((1.0, CHROMA_VARIANCE, CHROMA_VARIANCE))
            for u in range(size)
            for v in range(size)
        ),
        reverse=True,
    )[:rows]
    basis = torch.stack(
        [(colours[c][:, None] * torch.outer(cosines[u], cosines[v]).reshape(1, -1)).reshape(-1) for _, c, u, v in order]
    )
    return basis.float(), torch.tensor([variance for variance, *_ in order])
