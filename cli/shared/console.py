"""Standard output and standard error, which may be a terminal, a full disk, a pipe without a reader, or closed."""

import os
import sys
from typing import TextIO

import click

from aez.bitstream.errors import AezError


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sees what is written to a standard stream; None is one that is closed."""
    return stream is not None and stream.isatty()


def say(text: str, *, err: bool = False) -> None:
    """Print a line; a file name in it can neither fail to encode nor steer the terminal.

    Raises:
        AezError: standard output takes no more; of standard error nobody can be told.
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
    """Print lines, each as :func:`say` does."""
    for line in text.splitlines():
        say(line)


def occupy_closed_streams() -> None:
    """Open the null device in place of standard streams that are closed, so that no file gets their numbers.

    What a library prints would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
