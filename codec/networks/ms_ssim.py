"""Multi-scale structural similarity (Wang, Simoncelli and Bovik, 2003) in double precision.

Five scales, a Gaussian window of 11 samples with σ = 1.5, and the mean over channels, as in the package
`pytorch-msssim`, with which the tests compare the results. Here the window is applied as two products with a band
matrix, which on a CPU takes a fraction of the time of that package's small convolutions.
"""

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.codec.picture.ms_ssim import C1, C2, FLOOR, SIGMA, WEIGHTS, WINDOW


@functools.lru_cache(maxsize=32)
def _band(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a band matrix, (size, size − 10), whose column j has the Gaussian in rows j … j + 10."""
    kernel = torch.exp(-((torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
    columns = torch.arange(size - WINDOW + 1)
    band = torch.zeros(size, len(columns), dtype=torch.float64)
    for offset, weight in enumerate(kernel / kernel.sum()):
        band[columns + offset, columns] = weight
    return band.to(device, dtype)


def _blur(x: Tensor) -> Tensor:
    """Apply the window along both axes, without padding."""
    rows, columns = (_band(size, x.dtype, x.device) for size in x.shape[-2:])
    return rows.T @ (x @ columns)


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Compute the MS-SSIM of each pair of pictures.

    Args:
        x: (N, C, H, W) floating point, 0 … 255, sides of at least ``SMALLEST_SIDE``.
        y: the same shape.

    Returns:
        (N,), 0 … 1; differentiable.
    """
    result = torch.ones(x.shape[:2], dtype=x.dtype, device=x.device)
    for level, weight in enumerate(WEIGHTS):
        if level:
            padding = [side % 2 for side in x.shape[-2:]]
            x, y = (F.avg_pool2d(z, 2, padding=padding) for z in (x, y))
        mean_x, mean_y = _blur(x), _blur(y)
        variance_x, variance_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
        contrast = (2 * (_blur(x * y) - mean_x * mean_y) + C2) / (variance_x + variance_y + C2)
        if level == len(WEIGHTS) - 1:
            contrast = contrast * (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
        result = result * contrast.mean((-2, -1)).clamp_min(FLOOR) ** weight
    return result.mean(1)
