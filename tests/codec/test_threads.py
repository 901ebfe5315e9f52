"""The number of threads: what is set, what is used, and what children get."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from aez.codec.threads import (
    ONE_PRODUCT,
    available_cores,
    chosen_threads,
    each,
    in_parallel,
    set_threads,
    threads,
)


@pytest.fixture(autouse=True)
def one_thread_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The number of the whole suite, see the fixtures of all tests; and products in as many threads as are set."""
    monkeypatch.delenv(ONE_PRODUCT, raising=False)
    yield
    set_threads(1)


def products() -> int:
    """Threads of the library that multiplies NumPy's matrices."""
    blas = [info for info in threadpool_info() if info["user_api"] == "blas"]
    own = [info for info in blas if "numpy" in info["filepath"]]  # SciPy may have loaded another one
    return max(info["num_threads"] for info in own or blas)


def test_what_is_set_is_used() -> None:
    for count in (2, 1):
        set_threads(count)
        assert threads() == chosen_threads() == products() == count


@pytest.mark.parametrize("count", [0, -2])
def test_there_is_at_least_one(count: int) -> None:
    with pytest.raises(ValueError, match="at least one thread"):
        set_threads(count)


def test_too_many_are_not_used() -> None:
    set_threads(100_000)
    assert threads() == chosen_threads() == 256
    set_threads(1)


@pytest.mark.torch
def test_torch_uses_what_is_set() -> None:
    import torch

    for count in (2, 1):
        set_threads(count)
        assert torch.get_num_threads() == count


def test_without_a_choice_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aez.codec.threads._chosen", [])
    assert chosen_threads() is None
    assert threads() == available_cores() >= 1


@pytest.mark.parametrize("count", [1, 3])
def test_work_is_done_in_order_by_as_many_threads(count: int) -> None:
    set_threads(count)
    meet, seen = threading.Barrier(count, timeout=60), set()

    def work(number: int) -> int:
        meet.wait()
        seen.add((threading.get_ident(), products()))
        return number * number

    assert list(in_parallel(work, range(2 * count))) == [number * number for number in range(2 * count)]
    assert len(seen) == count
    assert {inside for _, inside in seen} == {1}
    assert products() == count


def test_an_error_in_a_thread_is_raised() -> None:
    set_threads(2)

    def work(number: int) -> None:
        if number == 3:
            raise KeyError(number)

    with pytest.raises(KeyError):
        each(work, range(5))
    assert products() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_forked_children_use_one_thread() -> None:
    set_threads(2)
    child = os.fork()
    if not child:
        os._exit(threads())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert threads() == 2
    assert np.ones((2, 2)).dot(np.ones((2, 2)))[0, 0] == 2


LITTLE = """
import resource
import numpy as np
from aez.codec.threads import set_threads, single_products
set_threads(2)
a = np.ones((300, 300))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**25,) * 2)
try:
    with single_products():
        a @ a
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_products_without_room_are_refused() -> None:
    """OpenBLAS would try for ever to get the memory."""
    done = subprocess.run([sys.executable, "-c", LITTLE], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "refused\n"
