"""Options for outputs, processes, limits and messages."""

import functools
import os
from dataclasses import dataclass, fields
from typing import Any

import click

from aez.cli.shared.batch.jobs import FileRules
from aez.cli.shared.options.common import device_option
from aez.cli.shared.options.limits import max_pixels_option
from aez.cli.shared.options.types import Function, add_options


@dataclass(frozen=True)
class Shared:
    """Values of the options that :func:`runtime_options` and :func:`delete_source_option` add."""

    out: str | None
    recursive: bool
    jobs: int
    ray: str | None
    device: str
    threads: int | None
    max_pixels: int
    overwrite: bool
    skip_existing: bool
    keep_times: bool
    append_suffix: bool
    quiet: bool
    as_json: bool
    delete_source: bool = False

    def __post_init__(self) -> None:
        """Refuse options that exclude each other."""
        if self.overwrite and self.skip_existing:
            raise click.UsageError("--overwrite and --skip-existing exclude each other")
        if self.ray is not None and self.jobs != 1:
            raise click.UsageError("--jobs and --ray exclude each other: Ray uses the cores that its cluster has")

    @property
    def rules(self) -> FileRules:
        """Rules for existing outputs and for inputs."""
        return FileRules(self.overwrite, self.skip_existing, self.delete_source, self.keep_times)

    @property
    def workers(self) -> int:
        """Number of processes asked for."""
        return self.jobs or cores()

    @property
    def threads_each(self) -> int | None:
        """CPU threads per process: the user's number, or the cores divided; None for one per core."""
        if self.ray is not None:
            return self.threads or 1
        if self.workers == 1:
            return self.threads
        return max(1, (self.threads or cores()) // self.workers)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def runtime_options(function: Function) -> Function:
    """Add options for outputs, processes, limits and messages; the command gets them as ``shared``."""
    options = (
        click.option(
            "-o",
            "--output",
            "out",
            metavar="OUT",
            help="Output file, - for standard output, or a folder: an existing one, one that ends in /, or one for "
            "several inputs.",
        ),
        click.option(
            "--append-suffix",
            is_flag=True,
            help="Append the output's suffix to the input's name (a.jpg.aez) instead of replacing its suffix.",
        ),
        click.option(
            "-r", "--recursive", is_flag=True, help="Convert the files in folders; OUT gets the same tree of folders."
        ),
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=0),
            default=1,
            show_default=True,
            metavar="N",
            help="Worker processes; 0 for one per core.",
        ),
        click.option(
            "--ray",
            metavar="ADDRESS",
            help="Run on a Ray cluster: its address, auto for a running one, local for one on this machine.",
        ),
        device_option,
        click.option(
            "--threads",
            type=click.IntRange(min=1),
            help="CPU threads, divided among the processes.  [default: one per core]",
        ),
        max_pixels_option,
        click.option("--overwrite", is_flag=True, help="Replace outputs that exist."),
        click.option("--skip-existing", is_flag=True, help="Skip inputs whose output exists and is not empty."),
        click.option("--keep-times", is_flag=True, help="Give outputs the modification times of their inputs."),
        click.option("--quiet", is_flag=True, help="Print errors and warnings only."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file instead of text."),
    )

    @functools.wraps(function)
    def with_shared(**values: Any) -> Any:
        shared = Shared(**{field.name: values.pop(field.name) for field in fields(Shared) if field.name in values})
        return function(shared=shared, **values)

    return add_options(with_shared, options)


def delete_source_option(function: Function) -> Function:
    """Add `--delete-source`, above :func:`runtime_options`, to a command whose outputs can replace its inputs."""
    option = click.option(
        "--delete-source",
        is_flag=True,
        help="Delete each input after its output has been written, read back and found complete; keep it, with a "
        "warning, if the output lacks anything.",
    )
    return option(function)


def set_up_process(threads: int | None) -> None:
    """Set the networks' CPU threads, and keep freed memory from picture to picture."""
    from aez.codec.memory import keep_freed_memory

    keep_freed_memory()
    if threads:
        from aez.codec.threads import set_threads

        set_threads(threads)
