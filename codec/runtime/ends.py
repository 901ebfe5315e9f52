"""Weights of the first and last layers of the transforms, in the memory order of interleaved pictures.

The transforms take a grey picture as three equal colours. Here the weights of the three colours are summed beforehand
in the analysis and averaged in the synthesis, so that a grey picture costs a third of the work at the pixels.

``pixel_unshuffle`` of a whole picture costs as much as the network after it, because its channel order (colour, row,
column) is not that of an interleaved picture. With weights that are permuted once, rows of whole patches are copied
instead. The results equal those of :mod:`aez.codec.networks.transforms` up to float rounding.
"""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.header import LATENT_STRIDE

STRIDE, PATCH, QUARTER = LATENT_STRIDE, 8, 4
"""Sides in pixels of what one input of the linear path, one of the analysis, and one output of the synthesis covers."""
OUTPUT_BOUND = 2.0
"""Bound of |x̂| (SPEC 5.5), which keeps levels finite. The picture filter needs those beyond 0 … 255."""
FLAT_SIDE = 8
"""Rows and columns of a window of latents that is large enough for its middle to see no edge."""
Matrix = NDArray[np.float32]


def analysis_start(head: Matrix, channels: int) -> Matrix:
    """Return the analysis's first layer for interleaved patches of 8×8.

    Args:
        head: (outputs, 3·8², …), inputs in the order of ``pixel_unshuffle``.
        channels: 3 for colour pictures, 1 for grey ones.

    Returns:
        (8²·channels, outputs).
    """
    planes = head.reshape(len(head), 3, PATCH, PATCH)
    if channels == 1:
        planes = planes.sum(1, keepdims=True)
    return np.ascontiguousarray(planes.transpose(2, 3, 1, 0).reshape(channels * PATCH**2, -1))


def analysis_linear(linear: Matrix, channels: int) -> Matrix:
    """Return the analysis's linear path for patches of 16×16, each read as 2×2 interleaved patches of 8×8.

    Args:
        linear: (M, 3·16², …), inputs in the order of ``pixel_unshuffle``.
        channels: 3 for colour pictures, 1 for grey ones.

    Returns:
        (16²·channels, M).
    """
    planes = linear.reshape(len(linear), 3, 2, PATCH, 2, PATCH).transpose(2, 4, 3, 5, 1, 0)
    if channels == 1:
        planes = planes.sum(4, keepdims=True)
    return np.ascontiguousarray(planes.reshape(channels * STRIDE**2, -1))


def synthesis_end(weight: Matrix, channels: int, reduction: int) -> Matrix:
    """Return the weight or the bias of one of the synthesis's two last layers for interleaved pixels.

    Args:
        weight: (3·side², inputs, …), outputs in the order of ``pixel_shuffle``; a bias has one input.
        channels: 3 for colour pictures, 1 for grey ones.
        reduction: each output is the average of reduction² neighbours, and ``side`` is divided by it.

    Returns:
        (inputs, (side / reduction)²·channels).
    """
    rows = weight.reshape(len(weight), -1)
    small = round((len(rows) / 3) ** 0.5) // reduction
    planes = rows.reshape(3, small, reduction, small, reduction, -1).mean((2, 4))
    if channels == 1:
        planes = planes.mean(0, keepdims=True)
    return np.ascontiguousarray(planes.transpose(3, 1, 2, 0).reshape(rows.shape[1], -1))
