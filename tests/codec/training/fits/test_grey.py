from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.bitstream import ModelError
from aez.codec.codec import Codec
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.weightfile import NEVER_CODED, Weights, parse_weights, serialise_weights
from aez.codec.training.fits.grey import GreyFit

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def fitted(tiny: Weights, photo: Photo) -> Weights:
    return GreyFit().apply(tiny, [torch.from_numpy(photo[:256, 100:400].copy()).permute(2, 0, 1)])


def test_grey_files_become_smaller(codec: Codec, fitted: Weights, photo: Photo) -> None:
    better = Codec(fitted, "cpu", "float32")
    plane = photo[250:450, 150:400, 1]
    for quality in (20, 60, 95):
        plain, data = codec.encode(plane, quality), better.encode(plane, quality, tile_log2=4)
        assert len(data) < 0.99 * len(plain)
        errors = [
            np.square(c.decode_array(d).astype(float) - plane).mean() for c, d in ((codec, plain), (better, data))
        ]
        assert errors[1] < 1.2 * errors[0]
        header, symbols = better.unpack(data)
        assert better.pack(header, symbols) == data
        chroma = OperatingPoint(fitted, header.quality, grey=True).index_offsets == NEVER_CODED
        assert chroma.any()
        assert not symbols.r[chroma].any()
        colour = photo[250:450, 150:400]
        assert codec.encode(colour, quality)[-200:] == better.encode(colour, quality)[-200:]


def test_tables_are_part_of_the_model(tiny: Weights, fitted: Weights) -> None:
    assert fitted.fingerprint != tiny.fingerprint
    assert parse_weights(serialise_weights(fitted)).fingerprint == fitted.fingerprint
    assert fitted.tensors["tables.grey_hyper_mean"].dtype == np.int16


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("grey_offset", lambda t: t[:, :-1]),
        ("grey_offset", lambda t: t.astype(np.int32)),
        ("grey_hyper_index", lambda t: t + 64),
        ("grey_hyper_mean", lambda t: t + 1000),
        ("grey_hyper_mean", None),
    ],
)
def test_wrong_tables_are_refused(fitted: Weights, name: str, change: object) -> None:
    tensors = dict(fitted.tensors)
    old = tensors.pop(f"tables.{name}")
    if change is not None:
        tensors[f"tables.{name}"] = change(old)  # type: ignore[operator]
    with pytest.raises(ModelError, match=r"grey|table"):
        parse_weights(serialise_weights(replace(fitted, tensors=tensors)))
