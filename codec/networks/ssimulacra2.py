"""SSIMULACRA 2 (Sneyers, Cloudinary, 2022; github.com/cloudinary/ssimulacra2, version 2.1), differentiable.

Six scales in XYB: maps of structural dissimilarity, of added edges (ringing, blocks) and of lost edges (blur), averaged
by their first and fourth power, and weighted. The result agrees with the package `ssimulacra2`, with which the tests
compare it, to 0.01. Like that package, it filters with zeros beyond the left and right edges, and mirrors at the top
and at the bottom.
"""

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST_SIDE = 8
"""Smallest side of a picture, and of a scale, in pixels."""
SCALES = 6
_SIGMA, _RADIUS = 1.5, 5
_BLOCK = 128
_WHOLE = 320
"""Longest side that is filtered by one matrix product; longer ones are cut into blocks."""
_C2 = 0.0009
_ABSORBANCE = (
    (0.30, 1 - 0.078 - 0.30, 0.078),
    (0.23, 1 - 0.078 - 0.23, 0.078),
    (0.24342268924547819, 0.20476744424496821, 1 - 0.24342268924547819 - 0.20476744424496821),
)
_BIAS = 0.0037930732552754493
_SMALLEST_ABSORBED = 1e-4
"""Lower bound before the cube root, whose slope is infinite at 0; samples in range are above it."""
# Weights of channel (X, Y, B) × scale × power (1, 4) × map (dissimilarity, added edges, lost edges).
_WEIGHTS = (
    (
        (0.0, 0.0007376606707406586, 0.0, 0.0, 0.0007793481682867309, 0.0),
        (0.0, 0.0004371155730107379, 0.0, 1.1041726426657346, 0.00066284834129271, 0.00015231632783718752),
        (0.0, 0.0016406437456599754, 0.0, 1.8422455520539298, 11.441172603757666, 0.0),
        (0.0007989109436015163, 0.000176816438078653, 0.0, 1.8787594979546387, 10.94906990605142, 0.0),
        (
            0.0007289346991508072, 0.9677937080626833, 0.0,
            0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053,
        ),
        (0.0004550992113792063, 0.0, 0.0, 0.0013648766163243398, 0.0, 0.0),
    ),
    (
        (0.0, 0.0, 0.0, 7.466890328078848, 0.0, 17.445833984131262),
        (0.0006235601634041466, 0.0, 0.0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264),
        (225.20515300849274, 0.0, 0.0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985),
        (176.39317598450694, 0.0, 0.0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408),
        (0.0, 0.0, 0.0, 34.77906344483772, 44.835625328877896, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ),
    (
        (0.0, 0.0008680556573291698, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0005313191874358747, 0.0, 0.00016533814161379112, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0004179171803251336, 0.0017290828234722833, 0.0),
        (0.0020827005846636437, 0.0, 0.0, 8.826982764996862, 23.19243343998926, 0.0),
        (
            95.1080498811086, 0.9863978034400682, 0.9834382792465353,
            0.0012286405048278493, 171.2667255897307, 0.9807858872435379,
        ),
        (0.0, 0.0, 0.0, 0.0005130064588990679, 0.0, 0.00010854057858411537),
    ),
)  # fmt: skip


def ssimulacra2(x: Tensor, y: Tensor) -> Tensor:
    """Compute the SSIMULACRA 2 score of each pair of pictures.

    Args:
        x: original, (N, 3, H, W) floating point, sRGB samples 0 … 255, sides of at least ``SMALLEST_SIDE``.
        y: decoded, the same shape.

    Returns:
        (N,), 100 for equal pictures, 90 for differences that are hardly visible, 30 for low quality; can be negative.
    """
    error = 0.9562382616834844 * ssimulacra2_error(x, y, least=0.0, floor=0.0)
    cubic = (6.248496625763138e-05 * error - 0.020884521182843837) * error * error + 2.326765642916932 * error
    return 100 - 10 * cubic.clamp_min(0) ** 0.6276336467831387


def ssimulacra2_error(x: Tensor, y: Tensor, *, least: float = 0.01, floor: float = 1e-8) -> Tensor:
    """Compute the weighted sum of errors from which the score is made, (N,): 0 for equal pictures.

    Unlike the score, it has a finite slope everywhere, so it can be a distortion in training.

    Args:
        x: as for :func:`ssimulacra2`; gradients pass to ``y`` only.
        y: as for :func:`ssimulacra2`.
        least: weights below it count as 0, which changes the sum by less than 0.1 % and saves half of the time.
        floor: added before the fourth root, whose slope is infinite at 0; to the power of four.
    """
    total = torch.zeros(len(y), dtype=y.dtype, device=y.device)
    scales = _scales(x, y)
    # The weights are counted off by the scales that there are, as in the reference.
    weights = torch.tensor(_WEIGHTS, dtype=y.dtype).reshape(-1)[: 3 * 6 * len(scales)].reshape(3, len(scales), 2, 3)
    weights = torch.where(weights < least, 0, weights)
    for level, (original, decoded) in enumerate(scales):
        channels = weights[:, level].flatten(1).any(1).nonzero().flatten().tolist()
        if not channels:
            continue
        maps = _maps(_xyb(original)[:, channels].detach(), _xyb(decoded)[:, channels])
        of_means, of_fourths = weights[channels, level].to(y.device).unbind(1)
        for values, by_mean, by_fourth in zip(maps, of_means.unbind(1), of_fourths.unbind(1), strict=True):
            fourth = (values.square().square().mean((2, 3)) + floor**4) ** 0.25
            total = total + fourth @ by_fourth + values.mean((2, 3)) @ by_mean
    return total


def _scales(x: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return both pictures in linear light at every scale that is large enough."""
    pair = _linear(x), _linear(y)
    scales: list[tuple[Tensor, Tensor]] = []
    while len(scales) < SCALES and min(pair[1].shape[-2:]) >= SMALLEST_SIDE:
        scales.append(pair)
        pair = _halved(pair[0]), _halved(pair[1])
    return scales


def _linear(x: Tensor) -> Tensor:
    """Convert sRGB samples, 0 … 255, to linear light, 0 … 1."""
    x = x / 255
    low = x <= 0.04045
    return torch.where(low, x / 12.92, ((x.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def _halved(x: Tensor) -> Tensor:
    """Average squares of four samples; the last row or column of an odd side counts twice."""
    down, right = (side % 2 for side in x.shape[-2:])
    if down or right:
        x = F.pad(x, (0, right, 0, down), mode="replicate")
    return F.avg_pool2d(x, 2)


def _xyb(linear: Tensor) -> Tensor:
    """Convert linear RGB to XYB, moved and scaled to be positive."""
    matrix = torch.tensor(_ABSORBANCE, dtype=linear.dtype, device=linear.device)
    absorbed = torch.einsum("ij,njhw->nihw", matrix, linear) + _BIAS
    long, middle, short = (absorbed.clamp_min(_SMALLEST_ABSORBED) ** (1 / 3) - _BIAS ** (1 / 3)).unbind(1)
    luma = (long + middle) / 2
    return torch.stack([(long - middle) * 7 + 0.42, luma + 0.01, short - luma + 0.55], 1)


def _maps(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the maps of dissimilarity, of added and of lost edges, each (N, 3, h, w)."""
    mean_x, square_x = _blurred(torch.cat([x, x * x])).chunk(2)
    mean_y, square_y, product = _blurred(torch.cat([y, y * y, x * y])).chunk(3)
    structure = 2 * (product - mean_x * mean_y) + _C2
    spread = (square_x - mean_x.square()) + (square_y - mean_y.square()) + _C2
    dissimilarity = (1 - (1 - (mean_x - mean_y).square()) * structure / spread).clamp_min(0)
    edges = (1 + (y - mean_y).abs()) / (1 + (x - mean_x).abs()) - 1
    return dissimilarity, edges.clamp_min(0), (-edges).clamp_min(0)


@functools.lru_cache(maxsize=64)
def _band(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the window as a band matrix, (size + 10, size)."""
    kernel = torch.exp(-((torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64) / _SIGMA) ** 2) / 2)
    columns = torch.arange(size)
    band = torch.zeros(size + 2 * _RADIUS, size, dtype=torch.float64)
    for offset, weight in enumerate(kernel / kernel.sum()):
        band[columns + offset, columns] = weight
    return band.to(device, dtype)


def _blurred(x: Tensor) -> Tensor:
    """Apply the window along both axes of (N, C, h, w)."""
    # Along the rows, zeros beyond the edge drop out of the product; along the columns, mirrored rows are added to it.
    rows, columns = x.shape[-2:]
    x = _along_last(F.pad(x, (_RADIUS, _RADIUS)), columns)
    top, bottom = x[..., :_RADIUS, :].flip(-2), x[..., rows - _RADIUS :, :].flip(-2)
    return _along_last(torch.cat([top, x, bottom], -2).transpose(-1, -2), rows).transpose(-1, -2)


def _along_last(padded: Tensor, size: int) -> Tensor:
    """Apply the window along the last axis, which is padded by five samples on both sides."""
    if size <= _WHOLE:
        return padded @ _band(size, padded.dtype, padded.device)
    blocks = -(-size // _BLOCK)
    padded = F.pad(padded, (0, blocks * _BLOCK - size))
    parts = padded.unfold(-1, _BLOCK + 2 * _RADIUS, _BLOCK) @ _band(_BLOCK, padded.dtype, padded.device)
    return parts.flatten(-2)[..., :size]
