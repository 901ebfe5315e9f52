"""Read file arguments of the library: a path, or the contents as bytes.

This module does not import torch.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aez.bitstream.container import Buffer
from aez.bitstream.errors import AezError
from aez.bitstream.partial import FileBytes

File = str | os.PathLike[str]
"""Path of a file; bytes always stand for the contents of a file."""


@contextmanager
def data_of(source: Buffer | File) -> Iterator[Buffer]:
    """Provide the data of an `.aez` file; errors name the file if it is given by its path.

    Raises:
        AezError: the file does not exist or cannot be read.
        TypeError: the source is neither bytes nor a path.
    """
    if isinstance(source, (str, os.PathLike)):
        with naming(os.fspath(source)):
            yield _read(Path(source))
        return
    if isinstance(source, FileBytes):
        yield source
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
    """Describe why a file cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if path.is_dir():  # Windows reports a folder as "permission denied"
        return "is a folder"
    return f"cannot be read ({error.strerror or error})"


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Prefix the text of errors with a file's name."""
    try:
        yield
    except AezError as error:
        raise type(error)(f"{name}: {error}") from None
