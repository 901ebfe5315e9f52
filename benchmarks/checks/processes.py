"""Seconds and peak memory of a command in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from aez.bitstream.errors import AezError

_LAUNCHER = """
import json, os, sys, time
count, *words = sys.argv[1:]
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(count)])
start = time.perf_counter()
process = os.posix_spawnp(words[0], words, os.environ)
_, status, usage = os.wait4(process, 0)
seconds = time.perf_counter() - start
kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
print(json.dumps([seconds, kilobytes * 1024 / 1e6, os.waitstatus_to_exitcode(status)]), file=sys.stderr)
"""
"""A small process between this one and the command: on Linux a child's peak includes that of what starts it."""


@dataclass(frozen=True)
class Run:
    """Cost and output of a command.

    Attributes:
        seconds: from start to end.
        megabytes: largest resident size, in units of 10⁶ bytes.
        output: text that it wrote to standard output.
        errors: lines that it wrote to standard error.
        code: exit code; that of a signal is negative.
    """

    seconds: float
    megabytes: float
    output: str
    errors: tuple[str, ...]
    code: int


def run_alone(name: str, words: Sequence[str], threads: int) -> Run:
    """Run a command, pinned to as many CPUs as ``threads`` where the system allows it.

    Args:
        name: of the command in errors.
        words: the program and its arguments.
        threads: number of CPUs.

    Raises:
        AezError: it failed; the text has the last line that it wrote.
    """
    run = run_any(name, words, threads)
    if run.code:
        raise AezError(f"{name} failed: {run.errors[-1] if run.errors else f'exit code {run.code}'}")
    return run


def run_any(name: str, words: Sequence[str], threads: int) -> Run:
    """Run a command that may fail; otherwise as :func:`run_alone`.

    Raises:
        AezError: it could not be started.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(threads), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    *said, last = done.stderr.strip().splitlines() or ["no message"]
    if done.returncode:
        raise AezError(f"{name}: {last}")
    seconds, megabytes, code = json.loads(last)
    return Run(seconds, megabytes, done.stdout, tuple(said), code)
