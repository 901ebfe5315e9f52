"""The rate map of a file: the bits of each region of 16×16 pixels."""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Limits, read_container
from aez.bitstream.container import Buffer
from aez.bitstream.costs import residual_bits
from aez.bitstream.runs import PIECE
from aez.codec.decoding.cost import tile_cost
from aez.codec.model.weightfile import Weights
from aez.codec.symbols.representation import region_bits
from aez.codec.symbols.streams import StreamReader, check_model


def rate_map(weights: Weights, data: Buffer, limits: Limits | None = None) -> NDArray[np.float64]:
    """Return the bits that a file spends on each region of 16×16 pixels, (ceil(H/16), ceil(W/16)).

    The bits are those of the symbols in the tables that code them; the bits of z are spread evenly over the regions of
    each cell. Only one tile at a time is in memory.

    Raises:
        AezError: as :meth:`aez.codec.Codec.unpack`.
    """
    container = read_container(data, limits)
    check_model(container.header, weights)
    tile_cost(weights.config, container.header).check(limits or Limits())
    reader = StreamReader(container, weights)
    hyper = reader.point.hyper_coder.bits(reader.z)
    spent = np.zeros(container.header.latent_shape)
    for number, (rows, cols) in enumerate(reader.areas):
        indices, r = reader.tile(number)
        step = max(1, PIECE // r[0].size)  # channels whose costs are in memory together
        for first in range(0, len(r), step):
            part = slice(first, first + step)
            spent[rows, cols] += residual_bits(r[part], indices[part], weights.residual_tables).sum(0, np.float64)
    return region_bits(spent, hyper.sum(0, np.float64))
