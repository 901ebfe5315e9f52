"""Processes that measure."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.torch

PARENT = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from aez.benchmarks.report.runner import _start_worker
context = multiprocessing.get_context("spawn")
numbers = context.Queue()
numbers.put(0)
pool = ProcessPoolExecutor(1, context, _start_worker, (numbers, 1))
print(pool.submit(os.getpid).result(), flush=True)
time.sleep(600)
"""


def test_workers_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert int(parent.stdout.readline()) != parent.pid
    parent.kill()
    parent.communicate(timeout=30)  # until the worker, too, has closed the pipe
