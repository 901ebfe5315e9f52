"""A batch from arguments to exit code: plan outputs, convert files, print results."""

import contextlib
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import click

from aez.bitstream.errors import AezError
from aez.cli.shared.batch.interrupts import Interrupted, raise_again, signals_raise
from aez.cli.shared.batch.jobs import Job
from aez.cli.shared.batch.report import BatchReport
from aez.cli.shared.batch.results import Result
from aez.cli.shared.console import is_terminal
from aez.cli.shared.inputs import Suffixes, expand_inputs
from aez.cli.shared.names import split_output
from aez.cli.shared.options.runtime import Shared
from aez.cli.shared.paths import Pair, make_folders, plan_outputs
from aez.cli.shared.storage import STDIO, is_local
from aez.codec.picture.files import remove_stale


def run(job: Job, inputs: Sequence[str], shared: Shared, *, suffix: str, takes: Suffixes) -> None:
    """Convert all inputs; continue after a failure.

    Args:
        job: the conversion of one file.
        inputs: the arguments of the command.
        shared: options.
        suffix: suffix of outputs that are not named, with its dot.
        takes: function that returns the suffixes of the files to take from folders.

    Raises:
        AezError: nothing was converted: inputs and outputs do not fit together, or the model or device is missing.
        SystemExit: with code 1, after all files, if one failed; with 128 + signal if interrupted.
    """
    inputs, out = split_output(inputs, shared.out, suffix, takes)
    if out == "":
        raise click.UsageError("-o needs the name of an output")
    found = expand_inputs(inputs, recursive=shared.recursive, suffixes=takes)
    if shared.delete_source and found[0].place == STDIO:
        raise click.UsageError("--delete-source needs inputs that are files")
    pairs = plan_outputs(found, out, suffix, append=shared.append_suffix)
    if shared.delete_source and pairs[0][1] == STDIO:
        raise click.UsageError("--delete-source needs outputs that are files")
    if pairs[0][1] == STDIO and is_terminal(sys.stdout):
        raise AezError("standard output is a terminal: name an output with -o, or send it to a file or a pipe")
    make_folders(pairs, out)
    remove_stale(Path(target) for _, target in pairs if is_local(target))
    with BatchReport(job, len(pairs), quiet=shared.quiet, as_json=shared.as_json, aside=pairs[0][1] == STDIO) as report:
        try:
            with signals_raise(), contextlib.closing(_results(job, pairs, shared, report.share)) as results:
                for result in results:
                    report.add(result)
                    raise_again()
        except Interrupted as interrupt:
            report.interrupted()
            raise SystemExit(interrupt.exit_code) from None
    if report.failed:
        raise SystemExit(1)


def _results(
    job: Job, pairs: Sequence[Pair], shared: Shared, share: Callable[[float], None]
) -> Generator[Result, None, None]:
    """Yield results in the order in which they arrive."""
    if shared.ray is not None:
        from aez.cli.shared.batch.cluster import run_on_ray

        yield from run_on_ray(job, pairs, shared.ray)
        return
    workers = min(shared.workers, len(pairs))
    if workers > 1:
        from aez.cli.shared.batch.pool import run_in_processes

        yield from run_in_processes(job, pairs, workers)
        return
    job.prepare()
    for source, target in pairs:
        yield job(source, target, share)
