"""Options that several commands share."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import click

from aez.bitstream.limits import DEFAULT_MAX_PIXELS
from aez.cli.jobs import FileRules

Function = Callable[..., Any]


@dataclass(frozen=True)
class Shared:
    """The values of the options that :func:`runtime_options` and :func:`delete_source_option` add."""

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
        """Refuse what excludes each other."""
        if self.overwrite and self.skip_existing:
            raise click.UsageError("--overwrite and --skip-existing exclude each other")
        if self.ray is not None and self.jobs != 1:
            raise click.UsageError("--jobs and --ray exclude each other: Ray uses the cores that its cluster has")

    @property
    def rules(self) -> FileRules:
        """What happens to files around a conversion."""
        return FileRules(self.overwrite, self.skip_existing, self.delete_source, self.keep_times)

    @property
    def workers(self) -> int:
        """Processes asked for."""
        return self.jobs or cores()

    @property
    def threads_each(self) -> int | None:
        """CPU threads a process: what the user says, or the cores divided; None leaves it to torch."""
        if self.ray is not None:
            return self.threads or 1
        if self.workers == 1:
            return self.threads
        return max(1, (self.threads or cores()) // self.workers)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def runtime_options(function: Function) -> Function:
    """Where outputs go, how work is shared out, limits and messages; the command gets them as ``shared``."""
    options = (
        click.option(
            "-o",
            "--output",
            "out",
            metavar="OUT",
            help="Output file, or - for standard output; or a folder: one that exists, ends in / or is for several "
            "inputs.",
        ),
        click.option(
            "--append-suffix",
            is_flag=True,
            help="Name outputs by a suffix behind the input's, as a.jpg.aez, not in its place.",
        ),
        click.option(
            "-r", "--recursive", is_flag=True, help="Take what is in folders; their tree is made again under OUT."
        ),
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=0),
            default=1,
            show_default=True,
            metavar="N",
            help="Processes that work at once; 0 for one a core.",
        ),
        click.option(
            "--ray",
            metavar="ADDRESS",
            help="Work on a Ray cluster: its address, auto for the one around, local for one on this machine.",
        ),
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "cuda", "mps"]),
            default="auto",
            show_default=True,
            help="Where the networks run.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(min=1),
            help="CPU threads, divided among the processes.  [default: one a core]",
        ),
        click.option(
            "--max-pixels",
            type=click.IntRange(min=1),
            default=DEFAULT_MAX_PIXELS,
            show_default=True,
            help="Refuse larger pictures.",
        ),
        click.option("--overwrite", is_flag=True, help="Replace outputs that exist."),
        click.option("--skip-existing", is_flag=True, help="Leave inputs alone whose output exists and is not empty."),
        click.option("--keep-times", is_flag=True, help="Give outputs the modification times of their inputs."),
        click.option("--quiet", is_flag=True, help="Print errors and warnings only."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file instead of text."),
    )

    @functools.wraps(function)
    def with_shared(**values: Any) -> Any:
        shared = Shared(**{field.name: values.pop(field.name) for field in fields(Shared) if field.name in values})
        return function(shared=shared, **values)

    wrapped: Function = with_shared
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def delete_source_option(function: Function) -> Function:
    """`--delete-source`, above :func:`runtime_options`: for outputs that can take the place of their inputs."""
    option = click.option(
        "--delete-source",
        is_flag=True,
        help="Delete each input once its output is written, has been read back and holds all of it; an input of which "
        "something was left out is kept, with a warning.",
    )
    return option(function)


def set_up_process(threads: int | None) -> None:
    """CPU threads of the networks, and memory kept from picture to picture."""
    from aez.codec.memory import keep_freed_memory

    keep_freed_memory()
    if threads:
        import torch

        torch.set_num_threads(threads)
