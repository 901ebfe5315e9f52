"""Hooks around the stages of the codec, for timing and counting."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from aez.bitstream.hyper import HyperCoder
from aez.codec.encoding import corrections
from aez.codec.encoding.quantise import Quantiser
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.runtime.light.networks import LightNetworks
from aez.codec.runtime.torch.networks import TorchNetworks
from aez.codec.symbols import streams

P = ParamSpec("P")
T = TypeVar("T")

_NETWORKS = (LightNetworks, TorchNetworks)

STAGES: dict[str, list[tuple[object, str]]] = {
    "analysis": [(owner, "analyse") for owner in _NETWORKS],
    "hyper-analysis": [(owner, "hyper_analyse") for owner in _NETWORKS],
    "exact scale path": [(OperatingPoint, "indices")],
    "mean context": [
        *((owner, name) for owner in _NETWORKS for name in ("context", "second_mean", "reconstruct")),
        (Quantiser, "__call__"),
    ],
    "foresight": [(corrections, "foreseen")],
    "synthesis": [(owner, "synthesise") for owner in _NETWORKS],
    "picture filter": [(owner, name) for owner in _NETWORKS for name in ("filter", "filter_moments")],
    "entropy coding": [
        (HyperCoder, "encode"),
        (streams, "encode_residual"),
        (HyperCoder, "decode"),
        (streams, "decode_residual"),
    ],
}
"""Owner and name of what each stage consists of; none of them calls another. Quantisation goes with the context."""


@contextmanager
def around_stages(around: Callable[[str], AbstractContextManager[None]]) -> Iterator[None]:
    """Enter ``around(stage)`` whenever a stage runs within the context. For one Python thread only."""
    with ExitStack() as stack:
        for stage, functions in STAGES.items():
            for owner, name in functions:
                stack.enter_context(patch.object(owner, name, _within(around, stage, getattr(owner, name))))
        yield


@contextmanager
def timed_stages() -> Iterator[dict[str, float]]:
    """Add up seconds by stage within the context. For the CPU only: nothing waits for an accelerator."""
    seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[stage] += time.perf_counter() - start

    with around_stages(timed):
        yield seconds


def _within(
    around: Callable[[str], AbstractContextManager[None]], stage: str, function: Callable[P, T]
) -> Callable[P, T]:
    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with around(stage):
            return function(*args, **kwargs)

    return wrapper
