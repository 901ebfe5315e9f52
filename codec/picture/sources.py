"""What the library takes for a file: its path, or its bytes. Does not import torch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aez.bitstream.container import Buffer
from aez.bitstream.errors import AezError

File = str | os.PathLike[str]
"""A path; bytes are always what is in a file."""


@contextmanager
def data_of(source: Buffer | File) -> Iterator[Buffer]:
    """The bytes of an `.aez` file; where they come from a path, errors name it.

    Raises:
        AezError: there is no such file, or it cannot be read.
        TypeError: neither bytes nor a path.
    """
    if isinstance(source, (str, os.PathLike)):
        with naming(os.fspath(source)):
            yield _read(Path(source))
        return
    try:
        memoryview(source).release()
    except TypeError:
        kind = type(source).__name__
        raise TypeError(f"an .aez file is given as bytes, another buffer or a path, not as {kind}") from None
    yield source


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AezError(reason_of(error, path)) from None


def reason_of(error: OSError, path: Path) -> str:
    """Why a file cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if path.is_dir():  # of which Windows says that permission is denied
        return "is a folder"
    return f"cannot be read ({error.strerror or error})"


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put a file's name before the words of errors."""
    try:
        yield
    except AezError as error:
        raise type(error)(f"{name}: {error}") from None
