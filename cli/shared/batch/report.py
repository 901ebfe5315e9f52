"""Output of a batch: a line or JSON object per file, progress, and a table at the end."""

import sys
import time
from types import TracebackType
from typing import Any

from aez.cli.shared.batch.jobs import Job
from aez.cli.shared.batch.results import Result
from aez.cli.shared.console import is_terminal, say


class BatchReport:
    """A printer of results. Errors, warnings, progress and the table go to standard error."""

    def __init__(self, job: Job, total: int, *, quiet: bool, as_json: bool, aside: bool) -> None:
        """Open a report.

        Args:
            job: describes its results.
            total: files.
            quiet: errors and warnings only.
            as_json: JSON instead of text.
            aside: standard output carries a picture, so everything goes to standard error.
        """
        self.job, self.total, self.quiet, self.as_json, self.aside = job, total, quiet, as_json, aside
        self.counts = dict.fromkeys(("done", "skipped", "failed"), 0)
        self.input_bytes = self.output_bytes = self.pixels = self.aez_bytes = 0
        self.start = time.perf_counter()
        self.progress: Any = None
        self.task: Any = None

    def __enter__(self) -> "BatchReport":
        """Show a progress bar if standard error is a terminal."""
        if not self.quiet and is_terminal(sys.stderr):
            from rich.console import Console
            from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

            self.progress = Progress(
                *Progress.get_default_columns()[:2],
                *([MofNCompleteColumn()] if self.total > 1 else []),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                # Lines for a file or a pipe must not be drawn above the bar.
                redirect_stdout=is_terminal(sys.stdout),
            )
            self.task = self.progress.add_task("files" if self.total > 1 else "file", total=self.total)
            self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the progress bar; print the table if there was more than one file."""
        if self.progress:
            self.progress.stop()
        if kind is not None and not issubclass(kind, SystemExit):
            return
        if self.total > 1 and not self.quiet:
            if not self.as_json:
                self._print_table()
            if self.failed:
                say(f"aez: {self.failed} of {self.total} files failed", err=True)

    @property
    def failed(self) -> int:
        """Number of failed files so far."""
        return self.counts["failed"]

    def share(self, done: float) -> None:
        """Show the progress of the current file, 0 … 1."""
        if self.progress:
            self.progress.update(self.task, completed=sum(self.counts.values()) + done)

    def add(self, result: Result) -> None:
        """Count a result, and print it."""
        self.counts[result.status] += 1
        self.input_bytes += result.input_bytes
        self.output_bytes += result.output_bytes
        self.aez_bytes += result.aez_bytes
        self.pixels += result.pixels
        for warning in result.warnings:
            say(f"aez: warning: {warning}", err=True)
        if result.error is not None:
            say(f"aez: {result.error}", err=True)
        if self.as_json:
            say(result.to_json(), err=self.aside)
        elif result.status != "failed" and not self.quiet:
            skipped = f"{result.source}: skipped, {result.target} exists"
            say(skipped if result.status == "skipped" else self.job.describe(result), err=self.aside)
        if self.progress:
            self.progress.update(self.task, completed=sum(self.counts.values()))

    def interrupted(self) -> None:
        """Print the number of files that an interruption left unconverted."""
        rest = self.total - sum(self.counts.values())
        say(f"aez: interrupted: {rest} of {self.total} file{'s' if self.total > 1 else ''} not done", err=True)

    def _print_table(self) -> None:
        from rich.console import Console
        from rich.table import Table

        seconds = time.perf_counter() - self.start
        table = Table(box=None, pad_edge=False, show_edge=False)
        names = ("done", "skipped", "failed", "bytes in", "bytes out", "ratio", "bpp", "seconds", "files/s")
        for name in names:
            table.add_column(name, justify="right", no_wrap=True)
        done = self.counts["done"]
        table.add_row(
            str(done),
            str(self.counts["skipped"]),
            str(self.failed),
            str(self.input_bytes),
            str(self.output_bytes),
            f"1:{self.input_bytes / self.output_bytes:.2f}" if self.output_bytes else "–",
            f"{8 * self.aez_bytes / self.pixels:.3f}" if self.pixels else "–",
            f"{seconds:.1f}",
            f"{done / seconds:.1f}",
        )
        # A table for a file is as wide as it needs to be.
        Console(stderr=True, width=None if is_terminal(sys.stderr) else 120).print(table)
