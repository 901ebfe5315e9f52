"""Runs of codecs on pictures, picture by picture, in one process or several."""

import functools
import multiprocessing
import os
import platform
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import numpy as np

from aez.benchmarks.codecs.base import Adapter
from aez.benchmarks.codecs.specs import CodecSpec, build
from aez.benchmarks.metrics import DERIVED, compute
from aez.benchmarks.pictures import read_rgb
from aez.benchmarks.report.measure import measure, pinned
from aez.benchmarks.report.store import Key, Store, Values
from aez.codec.runtime.torch.device import choose_device


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Attributes:
        metrics: names.
        device: for networks and metrics.
        repeats: timed rounds.
        threads: CPU threads of each process.
        jobs: processes.
    """

    metrics: tuple[str, ...]
    device: str
    repeats: int
    threads: int
    jobs: int

    @property
    def environment(self) -> str:
        """Conditions that times depend on, as text."""
        where = f"{cpu_name()}, {choose_device(self.device).type}"
        return f"{where}, {self.threads} threads, {self.jobs} jobs, {self.repeats} repeats"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all values of a measurement."""
        derived = [DERIVED[name][0] for name in self.metrics if name in DERIVED]
        return ("bytes", *self.metrics, *derived, "encode_ms", "decode_ms", "encode_mb", "decode_mb")


@dataclass(frozen=True)
class SourcePicture:
    """A picture to code: file, name in reports, SHA-256 of size and samples, size in pixels."""

    path: Path
    name: str
    digest: str
    width: int
    height: int


@dataclass(frozen=True)
class Failure:
    """A codec that failed on a picture; ``setting`` is empty if no setting was tried."""

    codec: str
    setting: str
    picture: str
    error: str


@dataclass(frozen=True)
class Task:
    """One codec on one picture at the settings still to measure."""

    spec: CodecSpec
    picture: SourcePicture
    qualities: tuple[float, ...]


Outcome = list[tuple[float, Values | str]]
"""Values, or what went wrong, by quality."""


@functools.lru_cache(maxsize=1)
def cpu_name() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@functools.lru_cache(maxsize=64)
def _adapter(name: str, family: str, options: tuple[tuple[str, str], ...], qualities: Any, device: str) -> Adapter:
    return build(CodecSpec(name, family, dict(options), qualities), device)


def adapter_for(spec: CodecSpec, device: str) -> Adapter:
    """Return the adapter of a spec, built once per process; errors as ``specs.build``."""
    return _adapter(spec.name, spec.family, tuple(spec.options.items()), spec.qualities, device)


def do_task(task: Task, settings: Settings) -> Outcome:
    """Measure one task; any exception of a codec becomes an outcome."""
    outcome: Outcome = []
    try:
        adapter, image = adapter_for(task.spec, settings.device), read_rgb(task.picture.path)
    except Exception as error:
        return [(quality, f"{type(error).__name__}: {error}") for quality in task.qualities]
    runs = []
    for quality in task.qualities:
        try:
            runs.append((quality, measure(adapter, image, quality, settings.repeats)))
        except Exception as error:  # codecs are other people's code: one that fails must not end the run
            outcome.append((quality, f"{type(error).__name__}: {error}"))
    names = settings.metrics if adapter.rated else ()
    try:
        device = choose_device(settings.device)
        rows = compute(names, np.asarray(image), [np.asarray(run.decoded) for _, run in runs], device)
    except Exception as error:
        return outcome + [(quality, f"metrics: {type(error).__name__}: {error}") for quality, _ in runs]
    return outcome + [(quality, {**run.values(), **row}) for (quality, run), row in zip(runs, rows, strict=True)]


def key_of(adapter: Adapter, quality: float, picture: SourcePicture, settings: Settings) -> Key:
    """Return the key of a measurement."""
    return Key(adapter.name, adapter.version, f"{quality:g}", picture.digest, settings.environment)


def missing_tasks(
    codecs: Sequence[tuple[CodecSpec, Adapter]], pictures: Sequence[SourcePicture], settings: Settings, store: Store
) -> list[Task]:
    """List tasks whose measurements are not in the store, or lack a requested metric."""
    tasks = []
    for picture in pictures:
        for spec, adapter in codecs:
            needed = {"bytes", *(settings.metrics if adapter.rated else ())}
            qualities = tuple(
                quality
                for quality in adapter.qualities
                if not needed <= store.get(key_of(adapter, quality, picture, settings)).keys()
            )
            if qualities:
                tasks.append(Task(spec, picture, qualities))
    return tasks


def run_tasks(tasks: Sequence[Task], settings: Settings) -> Iterator[tuple[Task, Outcome]]:
    """Run all tasks, in this process or in ``settings.jobs`` others; yield results as they arrive."""
    if settings.jobs == 1:
        with pinned(settings.threads):
            for task in tasks:
                yield task, do_task(task, settings)
        return
    context = multiprocessing.get_context("spawn")
    numbers = context.Queue()
    for number in range(settings.jobs):
        numbers.put(number)
    with ProcessPoolExecutor(settings.jobs, context, _start_worker, (numbers, settings.threads)) as pool:
        futures: dict[Future[Outcome], Task] = {pool.submit(do_task, task, settings): task for task in tasks}
        try:
            for future in as_completed(futures):
                task = futures[future]
                try:
                    yield task, future.result()
                except BrokenProcessPool:
                    yield task, [(quality, "the process that ran it was ended") for quality in task.qualities]
        finally:
            pool.shutdown(cancel_futures=True)


_pin: Any = nullcontext()


def _start_worker(numbers: Any, threads: int) -> None:
    """Pin a worker process to CPUs of its own, and let it end with its parent, however that ends."""
    global _pin
    threading.Thread(target=_follow_parent, daemon=True).start()
    _pin = pinned(threads, numbers.get())
    _pin.__enter__()


def _follow_parent() -> None:
    """Wait for the parent's end, and end this process: its queue would never tell it."""
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)


def default_threads() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
