from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.bitstream import ModelError
from aez.bitstream.hyper import PHASES
from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.training.fits.hyper_context import HyperContextFit, context_tables

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def fitted(packaged: Weights, photo: Photo) -> Weights:
    tensors = {name: t for name, t in packaged.tensors.items() if not name.startswith("tables.context_")}
    return HyperContextFit().apply(
        replace(packaged, tensors=tensors), [torch.from_numpy(photo.copy()).permute(2, 0, 1)]
    )


def test_tables_are_gaussians_at_quarters() -> None:
    tables = context_tables()
    rungs = len(tables) // PHASES
    for level in (3, 20, 40):
        for phase in range(PHASES):
            counts, bound = tables.counts[level + phase * rungs], tables.bounds[level + phase * rungs]
            values = np.arange(-bound, bound + 1)
            mean = (counts * values).sum() / 2**24
            sigma = 0.11 * np.exp(level * np.log(256 / 0.11) / 63)
            if sigma > 0.7:  # rounding is a uniform noise then
                assert mean == pytest.approx(phase / 4, abs=0.01)
                spread = np.sqrt((counts * np.square(values - mean)).sum() / 2**24)
                assert spread == pytest.approx(np.sqrt(sigma**2 + 1 / 12), rel=0.01)


def test_files_become_smaller_and_say_the_same(fitted: Weights, packaged: Weights, photo: Photo) -> None:
    plain = replace(
        packaged, tensors={n: t for n, t in packaged.tensors.items() if not n.startswith("tables.context_")}
    )
    for quality in (10, 50):
        old, new = Codec(plain, "cpu", "float32"), Codec(fitted, "cpu", "float32")
        first, second = old.encode(photo, quality, effort=0), new.encode(photo, quality, effort=0)
        (_, before), (_, after) = old.unpack(first), new.unpack(second)
        assert np.array_equal(before.z, after.z) and np.array_equal(before.r, after.r)
        assert len(second) < len(first)
        grey = photo[:, :, 1]
        assert old.encode(grey, quality, effort=0)[100:] == new.encode(grey, quality, effort=0)[100:]


def test_context_is_part_of_the_model(packaged: Weights, fitted: Weights) -> None:
    assert parse_weights(serialise_weights(fitted)).fingerprint == fitted.fingerprint
    other = dict(fitted.tensors)
    other["tables.context_weight"] = other["tables.context_weight"] + 1
    assert replace(fitted, tensors=other).fingerprint != fitted.fingerprint


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("weight", lambda t: t[:, :1]),
        ("weight", lambda t: t.astype(np.int32)),
        ("weight", lambda t: t * 0 + 30000),  # expects what no table reaches
        ("weight", None),
        ("level", lambda t: t[:-1]),
        ("level", lambda t: t * 0 + 200),
        ("level", lambda t: t * 0),
        ("counts", lambda t: t + 1),
        ("counts", None),
        ("sizes", lambda t: t[:-1]),
    ],
)
def test_wrong_contexts_are_refused(fitted: Weights, name: str, change: Any) -> None:
    tensors = dict(fitted.tensors)
    old = tensors.pop(f"tables.context_{name}")
    if change is not None:
        tensors[f"tables.context_{name}"] = change(old)
    with pytest.raises(ModelError):
        parse_weights(serialise_weights(replace(fitted, tensors=tensors)))
