"""The number of CPU threads that the runtimes use, and work that is done in as many."""

import functools
import importlib
import mmap
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from aez.bitstream.sizes import ceil_div

ONE_PRODUCT = "OPENBLAS_NUM_THREADS"
"""Environment variable that the command sets to 1: pictures are computed in threads of our own.

Those of NumPy's library for products would take 50 ms to start, and wait for each other.
"""
_MOST = 256
_BUFFER = 2**26
"""Address space that a product of NumPy's library takes for itself, at most, the first time in a thread."""
_chosen: list[int] = []
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def set_threads(count: int) -> None:
    """Set the number of threads, at most 256, of what is computed from now on, of NumPy's products and of torch.

    Raises:
        ValueError: the number is below 1.
    """
    if count < 1:
        raise ValueError(f"there must be at least one thread, not {count}")
    count = min(count, _MOST)
    _chosen[:] = [count]
    if not _one_product():
        _blas().limit(limits=count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)


def chosen_threads() -> int | None:
    """Return the number that :func:`set_threads` was given; None if it was not called."""
    return _chosen[0] if _chosen else None


def threads() -> int:
    """Return the number of threads to use: the chosen one, or that of the cores which this process may use."""
    return chosen_threads() or available_cores()


def available_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(function: Callable[[_In], _Out], items: Iterable[_In]) -> Iterator[_Out]:
    """Apply a function to items in :func:`threads` threads, and yield the results in the order of the items.

    Products of NumPy use one thread each meanwhile.
    """
    work = list(items)
    count = min(threads(), len(work))
    with single_products():
        if count < 2:
            yield from map(function, work)
            return
        _check_room(count)
        from concurrent.futures import ThreadPoolExecutor  # which imports much

        with ThreadPoolExecutor(count) as pool:
            yield from pool.map(function, work)


def shares(count: int) -> list[slice]:
    """Divide a number of rows into as many parts as there are threads."""
    step = max(1, ceil_div(count, threads()))
    return [slice(start, min(count, start + step)) for start in range(0, count, step)]


def each(function: Callable[[_In], None], items: Iterable[_In]) -> None:
    """Apply a function to items as :func:`in_parallel` does, and wait for all."""
    for _ in in_parallel(function, items):
        pass


def single_products() -> AbstractContextManager[None]:
    """Return a context in which NumPy's products use one thread each.

    Products of several threads are not only slower beside other work: if another thread forks meanwhile, their library
    ends its threads, and the product is wrong.

    Entering it raises :class:`MemoryError` where products could not have their buffers.
    """
    return _single_products


def _check_room(products: int) -> None:
    """Check that a number of products at once can have their buffers: OpenBLAS would try for ever to get them.

    Raises:
        MemoryError: they cannot.
    """
    if not hasattr(mmap, "MAP_ANONYMOUS"):
        return
    try:
        mmap.mmap(-1, products * _BUFFER, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0).close()
    except OSError:
        raise MemoryError from None


def _one_product() -> bool:
    """Return True if NumPy's products use one thread anyway."""
    return os.environ.get(ONE_PRODUCT) == "1"


@functools.cache
def _blas() -> Any:
    """Return what sets the threads of the library that multiplies NumPy's matrices."""
    from threadpoolctl import ThreadpoolController

    importlib.import_module("numpy")  # whose library must be loaded before it can be found
    return ThreadpoolController().select(user_api="blas")


class _SingleProducts(AbstractContextManager[None]):
    """See :func:`single_products`. Several threads may be inside; the last one to leave ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        _check_room(1)
        with self._lock:
            if not self._inside and not _one_product():
                self._limit = _blas().limit(limits=1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._limit is not None:
                self._limit.restore_original_limits()
                self._limit = None


_single_products = _SingleProducts()


def _after_fork() -> None:
    """Use one thread: a forked child lacks the threads of its parent's pools, and would wait for them forever."""
    global _single_products
    _chosen[:] = [1]
    _single_products = _SingleProducts()  # whatever its parent's threads were in


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
