"""Worker processes. One that dies is replaced, and only its file fails; ``concurrent.futures`` would give up."""

import contextlib
import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from aez.bitstream.errors import AezError
from aez.cli.shared.batch.interrupts import children_do_not_see_ctrl_c, raise_again, signals_raise
from aez.cli.shared.batch.jobs import Job
from aez.cli.shared.batch.results import Result, is_out_of_memory
from aez.cli.shared.paths import Pair
from aez.cli.shared.storage import is_local, shown
from aez.codec.extras import missing_package
from aez.codec.picture.files import remove_leftovers

GRACE_SECONDS = 3.0
"""Time that interrupted workers have to remove temporary files."""


class _Worker:
    """A worker process, the connection to it, and the pair it converts."""

    def __init__(self, job: Job) -> None:
        context = multiprocessing.get_context("spawn")  # forking a process with torch's threads in it deadlocks
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_work, args=(job, theirs), daemon=True)
        with children_do_not_see_ctrl_c():
            self.process.start()
        theirs.close()
        self.ready = False
        self.pair: Pair | None = None

    def give(self, pair: Pair | None) -> None:
        """Send the next pair, or None to let the process end."""
        self.pair = pair
        with contextlib.suppress(OSError):  # it died: the connection says so when it is read
            self.connection.send(pair)

    def leftover(self) -> None:
        """Remove the temporary file of a process that died while it wrote."""
        if self.pair and is_local(self.pair[1]):
            remove_leftovers(Path(self.pair[1]), self.process.pid or 0)


def run_in_processes(job: Job, pairs: Iterable[Pair], workers: int) -> Iterator[Result]:
    """Convert all files, and yield results as they arrive. Closing the iterator ends the processes at once.

    Raises:
        AezError: the job cannot be prepared, or processes cannot start.
    """
    todo = iter(pairs)
    team: list[_Worker] = []
    clean = False
    try:
        team.extend(_Worker(job) for _ in range(workers))
        while team:
            by_connection = {worker.connection: worker for worker in team}
            for connection in wait(list(by_connection)):
                worker = by_connection[connection]  # type: ignore[index]
                try:
                    message: Result | str | None = worker.connection.recv()
                except (EOFError, OSError):
                    yield from _bury(worker, team, job)
                    continue
                if isinstance(message, str):
                    raise AezError(message)
                worker.ready = True
                if message is not None:
                    yield message
                worker.give(next(todo, None))
                if worker.pair is None:
                    team.remove(worker)
                    worker.process.join()
        clean = True
    finally:
        if not clean:
            _end(team)


def _bury(worker: _Worker, team: list[_Worker], job: Job) -> Iterator[Result]:
    """Replace a process that died, and yield the failed result of its file."""
    worker.process.join()
    team.remove(worker)
    code = worker.process.exitcode or 0
    reason = f"signal {-code}" + (", perhaps for want of memory" if code == -9 else "") if code < 0 else f"code {code}"
    if not worker.ready or worker.pair is None:
        raise AezError(f"a worker process ended while it started ({reason})")
    worker.leftover()
    team.append(_Worker(job))
    source, target = worker.pair
    yield Result(source, target, "failed", error=f"{shown(source)}: the worker process ended ({reason})")


def _end(team: list[_Worker]) -> None:
    for worker in team:
        worker.process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for worker in team:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.leftover()


def _work(job: Job, connection: Connection) -> None:
    """Run a worker: send None when ready, or an error text; then send a result for every pair."""
    importlib.import_module("aez.bitstream.entropy")  # before signals raise: see there
    # Nothing is written before the job is prepared. A signal ends the process at once: imports print what is raised in
    # them.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        threading.Thread(target=_follow_parent, daemon=True).start()
        try:
            job.prepare()
        except AezError as error:
            connection.send(str(error))
            return
        except Exception as error:
            memory = "not enough memory for another worker" if is_out_of_memory(error) else None
            connection.send(missing_package(error) or memory or f"a worker failed: {error}")
            return
        with signals_raise():
            connection.send(None)
            while (pair := connection.recv()) is not None:
                connection.send(job(*pair))
                raise_again()
    except (KeyboardInterrupt, EOFError, OSError):
        return  # interrupted, or the parent is gone


def _follow_parent() -> None:
    """Wait for the parent's end, which may be sudden, and end this process as an interruption does."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)  # the networks, which see no signal, are at work
