"""Handling of signals that end a process, so that temporary files are removed."""

import _thread
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """An exception for a signal that asks this process to end."""

    def __init__(self, number: int) -> None:
        """Remember the signal."""
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """Exit code that a shell reports for a process ended by this signal."""
        return 128 + self.number


_RETRY_SECONDS = 0.02
_seen: list[int] = []
"""Signals since :func:`signals_raise` began."""


def raise_again() -> None:
    """Raise :class:`Interrupted` if there was a signal whose exception was lost.

    Some extensions print and drop exceptions that are raised while they are imported.
    """
    if _seen:
        raise Interrupted(_seen[0])


def comes_again(number: int, frame: FrameType | None) -> bool:
    """Return True if a signal came in the middle of an import, and let it come again.

    Many packages print, drop or disguise what is raised while they are imported.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            _thread.start_new_thread(_send_later, (number,))  # it takes no lock, which the import may hold
            return True
        frame = frame.f_back
    return False


def _send_later(number: int) -> None:
    time.sleep(_RETRY_SECONDS)
    if os.name == "posix":
        os.kill(os.getpid(), number)  # which also ends what the main thread waits for
    else:
        _thread.interrupt_main(signal.Signals(number))


@contextlib.contextmanager
def ctrl_c_raises() -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C as Python does, but never in the middle of an import."""
    if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None) or not _in_main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not comes_again(number, frame):
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Raise :class:`Interrupted` at the first SIGINT, SIGTERM or SIGHUP, after an import; ignore later ones.

    So ``finally`` and ``except`` clauses run to their end. Outside the main thread nothing happens. A signal that is
    already ignored (`nohup`) stays ignored.
    """
    if not _in_main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if comes_again(number, frame):
            return
        _seen.append(number)
        for other in before:
            # Not SIG_IGN: CPython prints an error if that replaces the handler of a signal that is already on its way.
            signal.signal(other, lambda *_: None)
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in ENDING}
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    _seen.clear()
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def children_do_not_see_ctrl_c() -> Iterator[None]:
    """Hide a terminal's Ctrl-C from processes started within; their parent ends them instead.

    A child that is still importing would print a traceback.
    """
    if os.name != "posix":
        yield
        return
    # The first process that multiprocessing starts makes it start one of its own, which unblocks the signal.
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
