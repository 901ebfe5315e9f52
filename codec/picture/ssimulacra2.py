"""SSIMULACRA 2 (Sneyers, Cloudinary, 2022; github.com/cloudinary/ssimulacra2, version 2.1).

Six scales in XYB: maps of structural dissimilarity, of added edges (ringing, blocks) and of lost edges (blur), averaged
by their first and fourth power, and weighted. The result agrees with the package `ssimulacra2`, with which the tests
compare it, to 0.01. Like that package, it filters with zeros beyond the left and right edges, and mirrors at the top
and at the bottom.

The functions take arrays of NumPy and tensors of torch (:mod:`aez.codec.networks.ssimulacra2`) alike.
"""

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aez.codec.picture.depth import Samples, levels_of
from aez.codec.picture.linear_light import to_linear

Array = Any
"""(N, 3, H, W) floating point, of the kind that :class:`Arrays` knows."""
SMALLEST_SIDE = 8
"""Smallest side of a picture, and of a scale, in pixels."""
SCALES = 6
_SIGMA, _RADIUS = 1.5, 5
_BLOCK = 32
"""Samples that are filtered by one matrix product."""
C2 = 0.0009
ABSORBANCE = (
    (0.30, 1 - 0.078 - 0.30, 0.078),
    (0.23, 1 - 0.078 - 0.23, 0.078),
    (0.24342268924547819, 0.20476744424496821, 1 - 0.24342268924547819 - 0.20476744424496821),
)
BIAS = 0.0037930732552754493
SIGNIFICANT = 0.01
"""Weights below it can be left out: the sum changes by less than 0.1 %, and takes half of the time."""
FLOOR = 1e-8
"""Added before the fourth root, whose slope is infinite at 0; to the power of four."""
SMALLEST_ABSORBED = 1e-4
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


class Arrays(Protocol):
    """Operations that NumPy and torch name differently."""

    def concatenated(self, parts: Sequence[Array], axis: int) -> Array:
        """Join arrays along an axis."""

    def like(self, values: NDArray[np.float64], other: Array) -> Array:
        """Convert values to the kind and type of another array."""


class _NumPyArrays:
    def concatenated(self, parts: Sequence[Array], axis: int) -> Array:
        return np.concatenate(parts, axis)

    def like(self, values: NDArray[np.float64], other: Array) -> Array:
        return values.astype(other.dtype)


NUMPY = _NumPyArrays()


def ssimulacra2_of(a: Samples, b: Samples) -> float:
    """Return the SSIMULACRA 2 score of a decoded picture against its original.

    Args:
        a: original, (H, W, 3) sRGB, or (H, W) grey.
        b: decoded, the same shape.

    Returns:
        100 for equal pictures, 90 for differences that are hardly visible, 30 for low quality; can be negative. NaN for
        pictures of a side below ``SMALLEST_SIDE``.
    """
    if min(a.shape[:2]) < SMALLEST_SIDE:
        return float("nan")
    planes = [np.atleast_3d(levels_of(picture)).transpose(2, 0, 1)[None].astype(np.float64) for picture in (a, b)]
    if planes[0].shape[1] == 1:
        planes = [np.repeat(picture, 3, 1) for picture in planes]
    total = error(planes[0], planes[1], NUMPY, least=0.0, floor=0.0)
    return float(score(total)[0])


def score(total: Array) -> Array:
    """Return the scores of weighted sums of errors, (N,)."""
    x = 0.9562382616834844 * total
    cubic = (6.248496625763138e-05 * x - 0.020884521182843837) * x * x + 2.326765642916932 * x
    return 100 - 10 * cubic.clip(0) ** 0.6276336467831387


def error(x: Array, y: Array, arrays: Arrays, *, least: float, floor: float) -> Array:
    """Compute the weighted sum of errors from which the score is made, (N,): 0 for equal pictures.

    Args:
        x: original, samples 0 … 255, (N, 3, H, W) or (1, 3, H, W), sides of at least ``SMALLEST_SIDE``.
        y: decoded, (N, 3, H, W).
        arrays: of the kind of x and y.
        least: weights below it count as 0.
        floor: added before the fourth root, whose slope is infinite at 0; to the power of four.
    """
    scales = linear_scales(to_linear(x), to_linear(y), arrays)
    weights, total = weights_of(len(scales), least), 0.0
    for level, (original, decoded) in enumerate(scales):
        channels = np.flatnonzero(weights[:, level].any((1, 2))).tolist()
        if not channels:
            continue
        maps = _maps(to_xyb(original, arrays)[:, channels], to_xyb(decoded, arrays)[:, channels], arrays)
        for kind, values in enumerate(maps):
            fourth = values * values
            fourth = ((fourth * fourth).mean((2, 3)) + floor**4) ** 0.25
            by_mean, by_fourth = (arrays.like(weights[channels, level, power, kind], fourth) for power in (0, 1))
            total = total + fourth @ by_fourth + values.mean((2, 3)) @ by_mean
    return total


def weights_of(scales: int, least: float) -> NDArray[np.float64]:
    """Return the weights of channel × scale × power × map; those below ``least`` are 0."""
    # They are counted off by the scales that there are, as in the reference.
    weights = np.array(_WEIGHTS).reshape(-1)[: 3 * 6 * scales].reshape(3, scales, 2, 3)
    return np.where(weights < least, 0, weights)


def linear_scales(x: Array, y: Array, arrays: Arrays) -> list[tuple[Array, Array]]:
    """Return two pictures in linear light at every scale that is large enough."""
    pair = x, y
    scales: list[tuple[Array, Array]] = []
    while len(scales) < SCALES and min(pair[1].shape[-2:]) >= SMALLEST_SIDE:
        scales.append(pair)
        pair = _halved(pair[0], arrays), _halved(pair[1], arrays)
    return scales


def _halved(x: Array, arrays: Arrays) -> Array:
    """Average squares of four samples; the last row or column of an odd side counts twice."""
    if x.shape[-2] % 2:
        x = arrays.concatenated([x, x[..., -1:, :]], -2)
    if x.shape[-1] % 2:
        x = arrays.concatenated([x, x[..., -1:]], -1)
    rows = x[..., ::2, :] + x[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) * 0.25


def to_xyb(linear: Array, arrays: Arrays) -> Array:
    """Convert linear RGB to XYB, moved and scaled to be positive."""
    red, green, blue = (linear[:, i : i + 1] for i in range(3))
    long, middle, short = (
        (a * red + b * green + c * blue + BIAS).clip(SMALLEST_ABSORBED) ** (1 / 3) - BIAS ** (1 / 3)
        for a, b, c in ABSORBANCE
    )
    luma = (long + middle) * 0.5
    return arrays.concatenated([(long - middle) * 7 + 0.42, luma + 0.01, short - luma + 0.55], 1)


def _maps(x: Array, y: Array, arrays: Arrays) -> tuple[Array, Array, Array]:
    """Return the maps of dissimilarity, of added and of lost edges, each (N, channels, h, w)."""
    mean_x, square_x = blurred(x, arrays), blurred(x * x, arrays)
    mean_y, square_y, product = (blurred(z, arrays) for z in (y, y * y, x * y))
    structure = 2 * (product - mean_x * mean_y) + C2
    spread = (square_x - mean_x * mean_x) + (square_y - mean_y * mean_y) + C2
    apart = mean_x - mean_y
    dissimilarity = (1 - (1 - apart * apart) * structure / spread).clip(0)
    edges = (1 + abs(y - mean_y)) / (1 + abs(x - mean_x)) - 1
    return dissimilarity, edges.clip(0), (-edges).clip(0)


def blurred(x: Array, arrays: Arrays) -> Array:
    """Apply the window along both axes."""
    across = _along_last(x, arrays, mirrored=False)
    return _along_last(across.swapaxes(-1, -2), arrays, mirrored=True).swapaxes(-1, -2)


def _along_last(x: Array, arrays: Arrays, *, mirrored: bool) -> Array:
    """Apply the window along the last axis, in blocks of nearly equal length."""
    size = x.shape[-1]
    count = -(-size // _BLOCK)
    parts = []
    for number in range(count):
        start, stop = number * size // count, (number + 1) * size // count
        first, last = max(0, start - _RADIUS), min(size, stop + _RADIUS)
        band = arrays.like(_band(start - first, stop - start, last - stop, mirrored), x)
        parts.append((x if count == 1 else x[..., first:last]) @ band)
    return parts[0] if count == 1 else arrays.concatenated(parts, -1)


@functools.lru_cache(maxsize=256)
def _band(before: int, size: int, after: int, mirrored: bool) -> NDArray[np.float64]:
    """Return the window as a matrix, (before + size + after, size), for samples with ``before`` and ``after`` beside.

    Where fewer than five are beside, the picture ends, and the samples beyond are mirrored or 0.
    """
    kernel = np.exp(-((np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2) / 2)
    kernel /= kernel.sum()
    known = before + size + after
    band = np.zeros((known, size))
    for column in range(size):
        for offset, weight in zip(range(-_RADIUS, _RADIUS + 1), kernel, strict=True):
            row = column + before + offset
            if mirrored:
                row = -1 - row if row < 0 else 2 * known - 1 - row if row >= known else row
            if 0 <= row < known:
                band[row, column] += weight
    band.setflags(write=False)
    return band
