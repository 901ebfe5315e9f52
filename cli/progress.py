"""Progress of one large picture on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

LEAST_PIXELS = 2**23
"""Smaller pictures are done before a bar would be read."""


@contextmanager
def picture_progress(name: str, pixels: int, *, wanted: bool) -> Iterator[Callable[[float], None] | None]:
    """A callback for shares of the work done, shown as a bar; None if the picture is small or no bar is wanted.

    Nothing is shown where standard error is no terminal.
    """
    if not wanted or pixels < LEAST_PIXELS:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda share: bar.update(task, completed=share)
