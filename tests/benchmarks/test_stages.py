from typing import Any

import numpy as np
from numpy.typing import NDArray

from aez.benchmarks.checks.macs import count_codec, counting_codec
from aez.benchmarks.stages import STAGES, timed_stages
from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights


def test_every_stage_is_seen(codec: Codec, photo: NDArray[np.uint8]) -> None:
    seen = set()
    for call in (lambda: codec.encode(photo[:64, :64]), lambda: codec.decode(codec.encode(photo[:64, :64], effort=0))):
        with timed_stages() as seconds:
            call()
        assert set(seconds) >= {"mean context", "synthesis", "entropy coding", "exact scale path"}
        seen |= set(seconds)
    assert seen == set(STAGES) - {"picture filter"}  # which the model of the tests does not have


def test_work_is_counted_by_stage(tiny: Weights, photo: NDArray[np.uint8]) -> None:
    codec = counting_codec(tiny)
    encoding, decoding = count_codec(codec, photo[:64, :128])
    assert set(decoding) <= {"exact scale path", "mean context", "synthesis", ""}
    assert all(decoding[stage] > 0 for stage in ("exact scale path", "mean context", "synthesis"))
    assert encoding["analysis"] > 0
    layers: Any = codec.networks.model.synthesis.linear.weight
    assert decoding["synthesis"] > layers.numel() * 128 * 64 / 256
