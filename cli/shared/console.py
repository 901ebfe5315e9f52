"""Printing to standard output and standard error, which may be terminals, full disks, broken pipes, or closed."""

import os
import sys
from typing import TextIO

import click

from aez.bitstream.errors import AezError


def is_terminal(stream: TextIO | None) -> bool:
    """Check whether a standard stream is a terminal; None is a closed stream."""
    return stream is not None and stream.isatty()


def say(text: str, *, err: bool = False) -> None:
    """Print a line; escape characters that cannot be encoded or that control the terminal.

    Raises:
        AezError: standard output cannot be written; failures of standard error are ignored.
    """
    safe = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        click.echo(safe.encode(encoding, "backslashreplace").decode(encoding), err=err)
    except OSError as error:
        if err:
            return
        raise AezError(f"standard output: cannot be written ({error.strerror or error})") from None


def say_lines(text: str) -> None:
    """Print several lines with :func:`say`."""
    for line in text.splitlines():
        say(line)


def occupy_closed_streams() -> None:
    """Open the null device in place of closed standard streams, so that no file gets their descriptors.

    Otherwise the output of libraries would be written into such a file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
