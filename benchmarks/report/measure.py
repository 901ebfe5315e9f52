"""File size, time and memory of one codec on one picture at one quality."""

import contextlib
import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image

from aez.benchmarks.codecs.base import Adapter
from aez.bitstream.errors import AezError
from aez.codec.threads import set_threads

T = TypeVar("T")
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@dataclass(frozen=True)
class Run:
    """The outcome of a measurement.

    Attributes:
        size: bytes of the file.
        decoded: the picture that came back, mode RGB.
        encode_ms: median of the timed repeats, milliseconds; that of the only run if there were no repeats.
        decode_ms: the same.
        encode_mb: largest memory taken beyond what the process held before the call, 10⁶ bytes; None if unknown.
        decode_mb: the same.
    """

    size: int
    decoded: Image.Image
    encode_ms: float
    decode_ms: float
    encode_mb: float | None
    decode_mb: float | None

    def values(self) -> dict[str, float | None]:
        """Return the numbers by their names in results."""
        names = ("encode_ms", "decode_ms", "encode_mb", "decode_mb")
        return {"bytes": self.size, **{name: getattr(self, name) for name in names}}


def measure(adapter: Adapter, image: Image.Image, quality: float, repeats: int) -> Run:
    """Encode and decode a picture, once for warm-up and memory, then ``repeats`` times for time.

    Args:
        adapter: the codec.
        image: mode RGB.
        quality: one that the codec takes.
        repeats: timed rounds.

    Raises:
        AezError: the picture that comes back has another size.
    """
    data, encode_mb, first_encode = _watched(adapter, lambda: adapter.encode(image, quality))
    decoded, decode_mb, first_decode = _watched(adapter, lambda: adapter.decode(data))
    if decoded.size != image.size:
        raise AezError(f"a picture of {image.width}×{image.height} came back as {decoded.width}×{decoded.height}")
    encoding, decoding = [], []
    for _ in range(repeats):
        encoding.append(timed(lambda: adapter.encode(image, quality))[1])
        decoding.append(timed(lambda: adapter.decode(data))[1])
    encode_s, decode_s = (
        statistics.median(times or [first]) for times, first in ((encoding, first_encode), (decoding, first_decode))
    )
    return Run(len(data), decoded, 1000 * encode_s, 1000 * decode_s, encode_mb, decode_mb)


def timed(function: Callable[[], T]) -> tuple[T, float]:
    """Call a function; return its result and the seconds taken."""
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def _watched(adapter: Adapter, function: Callable[[], T]) -> tuple[T, float | None, float]:
    """Call a function; return its result, peak memory in 10⁶ bytes, and seconds.

    Linux records the largest resident size and can reset it. Freed memory is returned to the system first, so that
    memory left by an earlier call does not hide what this one needs. An adapter that starts processes reports their
    peak; a GPU reports its own.
    """
    before = _reset_peak()
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
        gpu_before = torch.cuda.memory_allocated()
    result, seconds = timed(function)
    peak = None if before is None else (_status("VmHWM") - before) / 1e6
    if on_gpu and torch.cuda.max_memory_allocated() > gpu_before:
        peak = (torch.cuda.max_memory_allocated() - gpu_before) / 1e6
    children: float | None = getattr(adapter, "children_peak_mb", None)
    return result, children if children is not None else peak, seconds


def _reset_peak() -> float | None:
    """Reset the peak of resident memory; return the resident bytes, or None where that is impossible."""
    if not sys.platform.startswith("linux"):
        return None
    with contextlib.suppress(AttributeError, OSError):  # musl and others keep little
        ctypes.CDLL(None).malloc_trim(0)
    try:
        _CLEAR.write_text("5")
        return _status("VmRSS")
    except OSError:
        return None


def _status(field: str) -> float:
    """Read a field of the process's status, in bytes."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return 1024.0 * int(line.split()[1])


@contextmanager
def pinned(threads: int, worker: int = 0) -> Iterator[str]:
    """Pin this process to ``threads`` CPUs, and aez and torch to as many threads, within the context.

    Args:
        threads: number of threads.
        worker: number of the process among several that run in parallel, each on CPUs of its own.

    Yields:
        A description for the report.
    """
    before_threads = torch.get_num_threads()
    set_threads(threads)
    if not hasattr(os, "sched_setaffinity"):
        yield f"{threads} threads, CPUs not pinned on this system"
        set_threads(before_threads)
        return
    before = os.sched_getaffinity(0)
    cpus = sorted(before)
    chosen = {cpus[(worker * threads + i) % len(cpus)] for i in range(threads)}
    os.sched_setaffinity(0, chosen)
    try:
        yield f"{threads} threads, pinned to {len(chosen)} of {len(cpus)} CPUs"
    finally:
        os.sched_setaffinity(0, before)
        set_threads(before_threads)
