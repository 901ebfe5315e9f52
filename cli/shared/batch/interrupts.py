"""Ctrl-C and its kin, so that whoever is interrupted cleans up."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        """Remember the signal."""
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell reports for a process that the signal ended."""
        return 128 + self.number


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Let the first of SIGINT, SIGTERM and SIGHUP raise :class:`Interrupted`; the others, and later ones, are ignored.

    So what runs in ``finally`` and ``except`` clauses is not interrupted in its turn. Elsewhere than in the main thread
    nothing happens. A signal that is ignored already (`nohup`) stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        for other in before:
            # Not SIG_IGN: CPython prints an error if that replaces the handler of a signal that is already on its way.
            signal.signal(other, lambda *_: None)
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in ENDING}
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def children_do_not_see_ctrl_c() -> Iterator[None]:
    """Processes started within do not get a terminal's Ctrl-C: their parent ends them instead.

    A child that is still importing would print a traceback.
    """
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
