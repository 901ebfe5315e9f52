"""Reading and writing of bytes: files, standard streams, and object stores by URL (fsspec).

A *place* is a string: a path, a URL with ``://`` in it, or ``-``.
"""

import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from aez.bitstream.errors import AezError
from aez.codec.extras import missing_package
from aez.codec.picture.files import is_stream

STDIO = "-"
MAX_INPUT = 2**32
"""Most bytes to read: the size of standard input, a pipe or a device is not known beforehand; servers may lie."""
_PART = 2**24
_LONGEST_REASON = 300
HEAD = 16
"""Bytes that identify a file's format."""


def is_url(place: str) -> bool:
    """Check whether a place is the URL of an object store."""
    return "://" in place


def is_local(place: str) -> bool:
    """Check whether a place is a path."""
    return place != STDIO and not is_url(place)


def shown(place: str, *, output: bool = False) -> str:
    """Return a place's name for messages."""
    return place if place != STDIO else "standard output" if output else "standard input"


def file_system(place: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path in it.

    Raises:
        AezError: fsspec, or a package that it needs for this kind of URL, is not installed.
    """
    try:
        from fsspec.core import url_to_fs

        found: tuple[Any, str] = url_to_fs(place)
        return found
    except ImportError as error:
        missing = missing_package(error, f"{place}: this")
        raise AezError(missing or f"{place}: needs a package that is not installed ({error})") from None
    except Exception as error:  # each store has errors of its own
        raise AezError(f"{place}: cannot be reached ({reason_of(error)})") from None


def reason_of(error: Exception) -> str:
    """Return what a store's error says, or what it is if it says nothing, as one line that is not too long."""
    text = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + "…"


def exists(place: str) -> bool:
    """Check whether a place exists; always False for standard output.

    Raises:
        AezError: the store cannot be asked.
    """
    if place == STDIO:
        return False
    if not is_url(place):
        return os.path.lexists(place)
    system, path = file_system(place)
    try:
        return bool(system.exists(path))
    except Exception as error:
        raise AezError(f"{place}: cannot be reached ({reason_of(error)})") from None


def status(place: str) -> os.stat_result | None:
    """Return a file's status; None if the place is no path or does not exist."""
    try:
        return Path(place).stat() if is_local(place) else None
    except OSError:
        return None


def is_stream_at(place: str) -> bool:
    """Check whether a place is a pipe or a device, which cannot be read back."""
    found = status(place)
    return found is not None and is_stream(found)


def folder_error(place: str) -> str:
    """Return the error of a folder where a file is wanted, with the option that takes folders if the command has it."""
    context = click.get_current_context(silent=True)
    recursive = context is not None and any(option.name == "recursive" for option in context.command.params)
    return f"{place}: is a folder" + (" (-r takes what is in it)" if recursive else "")


def read_bytes(place: str, accept: Callable[[bytes], bool] | None = None, most: int | None = None) -> bytes:
    """Read all bytes at a place.

    Args:
        place: path, URL or ``-``.
        accept: function of the first bytes; if it returns False, these are all that is read.
        most: most bytes to read of anything but a regular file; None for ``MAX_INPUT``.

    Raises:
        AezError: there is nothing, it is a folder, it is too much, or it cannot be read.
    """
    most = MAX_INPUT if most is None else min(most, MAX_INPUT)
    try:
        if place == STDIO:
            return _read_stream(_standard(sys.stdin, "input").buffer, "standard input", accept, most)
        if is_url(place):
            with _opened_object(place) as stream:
                return _read_stream(stream, place, accept, most)
        with Path(place).open("rb") as stream:
            return _read_stream(stream, place, accept, most if is_stream_at(place) else MAX_INPUT)
    except FileNotFoundError:
        raise AezError(f"{place}: no such file") from None
    except IsADirectoryError:
        raise AezError(folder_error(place)) from None
    except OSError as error:
        if Path(place).is_dir():  # Windows says that permission is denied
            raise AezError(folder_error(place)) from None
        raise AezError(f"{shown(place)}: cannot be read ({reason_of(error)})") from None
    except AezError:
        raise
    except Exception as error:
        if is_url(place):
            raise AezError(f"{place}: cannot be read ({reason_of(error)})") from None
        raise


@contextmanager
def _opened_object(place: str) -> Iterator[BinaryIO]:
    """Open an object to read it from its start."""
    system, path = file_system(place)
    # Of a web server one response is read as it comes, however long the server says that it is. fsspec would ask for
    # ranges, and keep whatever comes in place of one.
    options = {"block_size": 0, "size": 1} if _is_web(system) else {}
    with system.open(path, "rb", **options) as stream:
        yield stream


def _is_web(system: Any) -> bool:
    return "http" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,))


def _read_stream(stream: BinaryIO, name: str, accept: Callable[[bytes], bool] | None, most: int) -> bytes:
    start = _read_head(stream)
    if accept and not accept(start):
        return start
    with io.BytesIO(start) as data:  # which gives its bytes away without a copy
        size = data.seek(0, io.SEEK_END)
        while part := stream.read(min(_PART, most + 1 - size)):
            size += data.write(part)
        if size > most:
            raise AezError(f"{name}: more than {most} bytes")
        return data.getvalue()


def _read_head(stream: BinaryIO) -> bytes:
    """Read the first bytes, of which a slow server may send one at a time."""
    start = b""
    while len(start) < HEAD and (part := stream.read(HEAD - len(start))):
        start += part
    return start


def _standard(stream: TextIO | None, name: str) -> TextIO:
    if stream is None:  # closed by whoever started the process
        raise AezError(f"standard {name}: is closed")
    return stream


def open_source(place: str) -> Path | io.BytesIO:
    """Open a place for Pillow: as a path if it is one, so that large files are read while they are decoded.

    Raises:
        AezError: see :func:`read_bytes`.
    """
    return Path(place) if is_local(place) else io.BytesIO(read_bytes(place))


def size_of(source: Path | io.BytesIO) -> int:
    """Return the size in bytes of what :func:`open_source` returned.

    Raises:
        AezError: the file is not there any more.
    """
    try:
        return source.stat().st_size if isinstance(source, Path) else source.getbuffer().nbytes
    except OSError as error:
        raise AezError(f"{source}: cannot be read ({error.strerror})") from None


def mode_like(source: str) -> int | None:
    """Return a file's permission bits for its output, so that the output is not readable for more users.

    None if the source is no regular file, or the system has no such bits.
    """
    found = status(source)
    return stat.S_IMODE(found.st_mode) & 0o777 if os.name == "posix" and found and stat.S_ISREG(found.st_mode) else None


def head(place: str) -> bytes:
    """Read the first bytes of a regular file or object, enough to identify it; none of anything else.

    Raises:
        AezError: it cannot be read.
    """
    try:
        if is_url(place):
            system, path = file_system(place)
            if not _is_web(system):
                return bytes(system.cat_file(path, 0, HEAD))
            with _opened_object(place) as stream:
                return _read_head(stream)
        if place == STDIO or not Path(place).is_file():
            return b""
        with Path(place).open("rb") as file:
            return file.read(HEAD)
    except AezError:
        raise
    except Exception as error:  # each store has errors of its own
        raise AezError(f"{place}: cannot be read ({reason_of(error)})") from None


def write_bytes(place: str, data: bytes | memoryview, *, replace: bool = True, mode: int | None = None) -> None:
    """Write all bytes or none; to standard output, a pipe or a device, as many as the reader takes.

    Args:
        place: path, URL or ``-``.
        data: the bytes.
        replace: replace an existing file.
        mode: permission bits of a new file, before the umask; None for all.

    Raises:
        AezError: it cannot be written; nothing is left behind.
    """
    try:
        if place == STDIO:
            _write_stdout(data)
        elif is_url(place):
            _write_object(place, data, replace)
        else:
            from aez.codec.picture.files import write_atomically

            write_atomically(Path(place), data, replace=replace, mode=mode)
    except FileExistsError:
        raise AezError(f"{place}: exists already (--overwrite replaces it)") from None
    except OSError as error:
        raise AezError(f"{shown(place, output=True)}: cannot be written ({error.strerror or error})") from None
    except AezError:
        raise
    except Exception as error:
        if is_url(place):
            raise AezError(f"{place}: cannot be written ({reason_of(error)})") from None
        raise


def _write_object(place: str, data: bytes | memoryview, replace: bool) -> None:
    system, path = file_system(place)
    if place.startswith(("file://", "local://")):
        from aez.codec.picture.files import write_atomically

        Path(path).parent.mkdir(parents=True, exist_ok=True)  # object stores have no folders to make
        write_atomically(Path(path), data, replace=replace)
    else:
        system.pipe_file(path, bytes(data))  # one put: an object appears whole


def _write_stdout(data: bytes | memoryview) -> None:
    stream = _standard(sys.stdout, "output")
    try:
        stream.buffer.write(data)
        stream.buffer.flush()
    except OSError:
        # The interpreter flushes once more at its end, and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def delete(place: str) -> None:
    """Delete a file or object.

    Raises:
        AezError: it cannot be removed.
    """
    try:
        if is_url(place):
            system, path = file_system(place)
            system.rm_file(path)
        else:
            Path(place).unlink()
    except AezError:
        raise
    except Exception as error:
        raise AezError(f"{place}: cannot be deleted ({reason_of(error)})") from None
