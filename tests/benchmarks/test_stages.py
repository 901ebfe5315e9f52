from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.benchmarks.checks.macs import count_codec
from aez.benchmarks.stages import STAGES, timed_stages
from aez.codec.codec import Codec

pytestmark = pytest.mark.torch


def test_every_stage_is_seen(codec: Codec, photo: NDArray[np.uint8]) -> None:
    for call in (lambda: codec.encode(photo[:64, :64]), lambda: codec.decode(codec.encode(photo[:64, :64], effort=0))):
        with timed_stages() as seconds:
            call()
        assert set(seconds) >= {"mean context", "synthesis", "entropy coding", "exact scale path"}
    assert set(seconds) == set(STAGES) - {"picture filter"}  # which the model of the tests does not have


def test_work_is_counted_by_stage(codec: Codec) -> None:
    encoding, decoding = count_codec(codec, 128, 64)
    assert set(decoding) <= {"exact scale path", "mean context", "synthesis", ""}
    assert all(decoding[stage] > 0 for stage in ("exact scale path", "mean context", "synthesis"))
    assert encoding["analysis"] > 0
    layers: Any = codec.networks.model.synthesis.linear.weight
    assert decoding["synthesis"] > layers.numel() * 128 * 64 / 256
