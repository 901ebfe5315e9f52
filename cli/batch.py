"""Running one job per file: progress, one line for each failure, an exit code that tells."""

from collections.abc import Callable
from pathlib import Path

import click

from aez.bitstream.errors import AezError

Job = Callable[[Path, Path], str]


def run_batch(pairs: list[tuple[Path, Path]], job: Job, *, quiet: bool) -> None:
    """Do every job; go on after a failure.

    Args:
        pairs: inputs and outputs.
        job: does one pair and returns its summary line; raises AezError with a text that names the file.
        quiet: print neither progress nor summaries.

    Raises:
        SystemExit: with code 1, after all jobs, if one failed.
    """
    failures = 0

    def attempt(source: Path, target: Path, say: Callable[[str], None]) -> None:
        nonlocal failures
        try:
            line = job(source, target)
            if not quiet:
                say(line)
        except (AezError, MemoryError, RuntimeError) as error:
            if not isinstance(error, AezError):
                if not _is_out_of_memory(error):
                    raise
                error = AezError(f"{source}: not enough memory for a picture of this size")
            failures += 1
            click.echo(f"aez: {error}", err=True)

    if len(pairs) > 1 and not quiet:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

        with Progress(
            *Progress.get_default_columns()[:2],
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as progress:
            for source, target in progress.track(pairs, description="files"):
                attempt(source, target, click.echo)
        if failures:
            click.echo(f"aez: {failures} of {len(pairs)} files failed", err=True)
    else:
        for source, target in pairs:
            attempt(source, target, click.echo)
    if failures:
        raise SystemExit(1)


def _is_out_of_memory(error: Exception) -> bool:
    """torch has an error of its own for accelerators and a bare RuntimeError for the CPU."""
    text = str(error)
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def write_output(target: Path, data: bytes | memoryview) -> None:
    """Write an output whole or not at all.

    Raises:
        AezError: it cannot be written; nothing is left behind.
    """
    from aez.codec.files import write_atomically

    try:
        write_atomically(target, data)
    except OSError as error:
        raise AezError(f"{target}: cannot be written ({error.strerror or error})") from None
