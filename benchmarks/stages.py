"""The stages of the codec while it really encodes and decodes, for whoever wants to time or count them."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from aez.bitstream.hyper import HyperCoder
from aez.codec.runtime import engine
from aez.codec.runtime.engine import Engine
from aez.codec.runtime.torch.patches import PatchSynthesis
from aez.codec.symbols import streams

P = ParamSpec("P")
T = TypeVar("T")

STAGES: dict[str, list[tuple[object, str]]] = {
    "analysis": [(Engine, "analyse")],
    "hyper-analysis": [(Engine, "hyper_analyse")],
    "exact scale path": [(Engine, "indices")],
    "mean context": [(Engine, "quantise"), (Engine, "latent")],
    "synthesis": [(PatchSynthesis, "__call__")],
    "picture filter": [(engine, "filtered")],
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
    """Enter ``around(stage)`` whenever a stage runs, as long as the context lasts. For one thread of Python."""
    with ExitStack() as stack:
        for stage, functions in STAGES.items():
            for owner, name in functions:
                stack.enter_context(patch.object(owner, name, _within(around, stage, getattr(owner, name))))
        yield


@contextmanager
def timed_stages() -> Iterator[dict[str, float]]:
    """Seconds by stage, added up while the context lasts. For the CPU: nothing waits for an accelerator."""
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
