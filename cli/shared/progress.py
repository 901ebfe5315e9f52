"""Progress of a long run: a bar on a terminal, one line per minute elsewhere."""

import sys
import time
from typing import Any

from aez.cli.shared.console import is_terminal, say

SECONDS = 60.0
"""Time between two lines of a log."""


class ProgressBar:
    """A progress bar with the remaining time on a terminal, otherwise lines, on standard error."""

    def __init__(self, what: str, *, quiet: bool) -> None:
        """Prepare a bar without showing it.

        Args:
            what: plural of what is counted.
            quiet: show nothing.
        """
        self.what, self.quiet = what, quiet
        self.bar: Any = None
        self.task: Any = None
        self.start = self.last = time.monotonic()

    def __enter__(self) -> "ProgressBar":
        """Show the bar if standard error is a terminal."""
        if not self.quiet and is_terminal(sys.stderr):
            from rich.console import Console
            from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

            self.bar = Progress(
                *Progress.get_default_columns()[:2],
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(compact=True),
                console=Console(stderr=True),
                transient=True,
            )
            self.task = self.bar.add_task(self.what, total=None)
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        if self.bar:
            self.bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Show how far the run is."""
        now = time.monotonic()
        if self.bar:
            self.bar.update(self.task, completed=done, total=total)
        elif not self.quiet and done and now - self.last >= SECONDS:
            self.last = now
            left = (now - self.start) * (total - done) / done / 60
            say(f"aez: {done} of {total} {self.what}, about {left:.0f} min left", err=True)
