"""Bits that the entropy coder spends on symbols.

They are computed per symbol from the coding tables; the coder adds at most a few bytes per stream.
"""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import TableSet


def residual_bits(r: NDArray[np.int16], indices: NDArray[np.uint8], tables: TableSet) -> NDArray[np.float32]:
    """Return the bits of every element of r, in the shape of ``r``; 0 where nothing is coded.

    An escape costs the bits of its symbol plus the length of its Exp-Golomb code.

    Args:
        r: residual symbols.
        indices: table of each element, or ``NOT_CODED``; same shape as ``r``.
        tables: tables with escape.
    """
    costs = tables.cost_in_bits()
    flat = np.concatenate(costs).astype(np.float32)
    start = np.concatenate([[0], np.cumsum([len(c) for c in costs])[:-1]])
    bound = tables.bounds.astype(np.int64)
    out = np.zeros(r.shape, np.float32)
    coded = indices != NOT_CODED
    value, table = r[coded].astype(np.int64), indices[coded]
    limit = bound[table]
    excess = np.abs(value) - limit
    entry = np.where(excess > 0, 2 * limit + 1, value + limit)
    bits = flat[start[table] + entry]
    # The code of an n-bit magnitude has n − 1 leading zeros and a sign bit at the end.
    bits += np.where(excess > 0, 2 * np.floor(np.log2(np.maximum(excess, 1))) + 2, 0).astype(np.float32)
    out[coded] = bits
    return out
