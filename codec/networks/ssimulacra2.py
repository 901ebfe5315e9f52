"""SSIMULACRA 2 of tensors, differentiable; see :mod:`aez.codec.picture.ssimulacra2`."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.picture.ssimulacra2 import FLOOR, SIGNIFICANT, error, score


class _Tensors:
    """Operations on tensors."""

    def concatenated(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """Join tensors along an axis."""
        return torch.cat(list(parts), axis)

    def like(self, values: NDArray[np.float64], other: Tensor) -> Tensor:
        """Convert values to the type and device of another tensor."""
        return torch.tensor(values, dtype=other.dtype, device=other.device)


def ssimulacra2(x: Tensor, y: Tensor) -> Tensor:
    """Compute the SSIMULACRA 2 score of each pair of pictures.

    Args:
        x: originals, or one for all, (N, 3, H, W) floating point, sRGB samples 0 … 255, sides of at least 8.
        y: decoded, (N, 3, H, W).

    Returns:
        (N,), 100 for equal pictures, 90 for differences that are hardly visible, 30 for low quality; can be negative.
    """
    scores: Tensor = score(error(x, y, _Tensors(), least=0.0, floor=0.0))
    return scores


def ssimulacra2_error(x: Tensor, y: Tensor, *, least: float = SIGNIFICANT, floor: float = FLOOR) -> Tensor:
    """Compute the weighted sum of errors from which the score is made, (N,): 0 for equal pictures.

    Unlike the score, it has a finite slope everywhere, so it can be a distortion in training.

    Args:
        x: as for :func:`ssimulacra2`.
        y: as for :func:`ssimulacra2`.
        least: weights below it count as 0, which changes the sum by less than 0.1 % and saves half of the time.
        floor: added before the fourth root, whose slope is infinite at 0; to the power of four.
    """
    total: Tensor = error(x, y, _Tensors(), least=least, floor=floor)
    return total
