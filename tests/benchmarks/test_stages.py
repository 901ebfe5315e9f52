from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.benchmarks.checks.macs import count_codec, counting_codec
from aez.benchmarks.stages import STAGES, timed_stages
from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights

pytestmark = pytest.mark.torch


def test_every_stage_is_seen(each_codec: Codec, photo: NDArray[np.uint8]) -> None:
    codec = each_codec
    with timed_stages() as encoding:
        data = codec.encode(photo[:64, :64])
    assert set(encoding) >= {"mean context", "foresight", "synthesis", "entropy coding", "exact scale path"}
    with timed_stages() as seconds:
        codec.decode(data)
        codec.encode(photo[:64, :64], effort=0)
    # The model of the tests has no picture filter; effort 0 has no foresight.
    assert set(seconds) == set(STAGES) - {"picture filter", "foresight"}


def test_work_is_counted_by_stage(tiny: Weights, photo: NDArray[np.uint8]) -> None:
    codec = counting_codec(tiny)
    encoding, decoding = count_codec(codec, photo[:64, :128])
    assert set(decoding) <= {"exact scale path", "mean context", "synthesis", ""}
    assert all(decoding[stage] > 0 for stage in ("exact scale path", "mean context", "synthesis"))
    assert encoding["analysis"] > 0
    layers: Any = codec.networks.model.synthesis.linear.weight
    assert decoding["synthesis"] > layers.numel() * 128 * 64 / 256
