"""Where the bits of a file go: a cost for every region of 16×16 pixels."""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Limits, read_container
from aez.bitstream.costs import residual_bits
from aez.codec.codec import Codec, Data
from aez.codec.decoding.latent_access import need_hyperprior
from aez.codec.symbols.representation import region_bits
from aez.codec.symbols.streams import check_model, read_hyper, read_tile


def rate_map(codec: Codec, data: Data, limits: Limits | None = None) -> NDArray[np.float64]:
    """Bits that a file spends on every region of 16×16 pixels, (ceil(H/16), ceil(W/16)).

    By the tables that its symbols are coded with; what z costs is spread evenly over the regions of each of its cells.
    One tile at a time is in memory.

    Raises:
        AezError: as :meth:`aez.codec.Codec.unpack`.
    """
    need_hyperprior(codec)
    container = read_container(data, limits)
    header, weights = container.header, codec.weights
    check_model(header, weights)
    z = read_hyper(container, weights)
    hyper = weights.hyper_coder(header.quality, header.grey).bits(z)
    spent = np.zeros(header.latent_shape)
    for number, (rows, cols) in enumerate(header.tiles()):
        indices, r = read_tile(container, number, z, codec.engine)
        spent[rows, cols] = residual_bits(r, indices, weights.residual_tables).sum(0, np.float64)
    return region_bits(spent, hyper.sum(0, np.float64))
