"""Counted tables of r: smaller files of the same symbols, and nothing that was not seen is changed."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.training.fits.residual_tables import ResidualTablesFit

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def fitted(tiny: Weights, photo: Photo) -> Weights:
    return ResidualTablesFit().apply(tiny, [torch.from_numpy(photo[:256, 100:400].copy()).permute(2, 0, 1)])


def test_the_same_symbols_cost_less_in_another_picture(codec: Codec, fitted: Weights, photo: Photo) -> None:
    better = Codec(fitted, "cpu", "float32")
    part = photo[250:450, 150:400]
    for quality in (20, 60, 95):
        old, new = (c.encode(part, quality, effort=0) for c in (codec, better))
        assert np.array_equal(codec.unpack(old)[1].r, better.unpack(new)[1].r)
        assert len(new) < 0.995 * len(old)
        assert np.array_equal(codec.decode_array(old), better.decode_array(new))


def test_tables_are_symmetric_and_keep_their_sizes(tiny: Weights, fitted: Weights) -> None:
    assert np.array_equal(fitted.tensors["tables.residual_sizes"], tiny.tensors["tables.residual_sizes"])
    for number, table in enumerate(fitted.residual_tables.counts):
        inside = table[:-1]
        largest = int(np.argmax(table))  # it has what rounding to a sum leaves
        uneven = set(np.flatnonzero(inside != inside[::-1]).tolist())
        assert uneven <= {largest, len(inside) - 1 - largest} or number < tiny.first_coded
        assert np.abs(inside - inside[::-1]).max() <= len(table) or number < tiny.first_coded
        assert table.min() >= 1


def test_only_what_was_seen_moves(tiny: Weights) -> None:
    """Drawn crops are counted for tables below the first coded one, pictures for the others."""
    first = tiny.first_coded
    nothing = ResidualTablesFit().apply(tiny, [])
    difference = [
        np.abs(table - old).max()
        for table, old in zip(nothing.residual_tables.counts, tiny.residual_tables.counts, strict=True)
    ]
    assert max(difference[first:]) <= 1
    assert max(difference[:first]) > 2**10
    flat = ResidualTablesFit().apply(tiny, [torch.full((3, 64, 64), 128, dtype=torch.uint8)])
    moved = [
        np.abs(table - old).max() > 2**10
        for table, old in zip(flat.residual_tables.counts, tiny.residual_tables.counts, strict=True)
    ]
    assert 0 < sum(moved[first:]) < len(moved) - first


def test_tables_are_part_of_the_model(tiny: Weights, fitted: Weights) -> None:
    assert fitted.fingerprint != tiny.fingerprint
    assert parse_weights(serialise_weights(fitted)).fingerprint == fitted.fingerprint
