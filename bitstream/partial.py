"""Files of which only the parts that are used are read."""

import os
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import overload

from aez.bitstream.errors import TruncatedError

_BLOCK = 2**12


class FileBytes:
    """The bytes of an open file, read when they are indexed; safe to use from several threads.

    A file that becomes shorter while it is used raises an error; as a memory-mapped file it would end the process.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            OSError: it cannot be opened.
        """
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._lock = Lock()
        self._block = 0, b""

    def __enter__(self) -> "FileBytes":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        """Return the size that the file had when it was opened."""
        return self._size

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> bytes: ...
    def __getitem__(self, at: int | slice) -> int | bytes:
        """Return a byte, or the bytes of a slice of step 1.

        Raises:
            TruncatedError: the file has become shorter.
            OSError: it cannot be read.
        """
        if isinstance(at, int):
            if not 0 <= at < self._size:
                raise IndexError(at)
            return self._cached(at)
        start, stop, _ = at.indices(self._size)
        return self._read(start, max(0, stop - start))

    def _cached(self, at: int) -> int:
        """Return a byte from a block that is kept: types and lengths of chunks are read byte by byte."""
        start, block = self._block
        if not start <= at < start + len(block):
            start, block = at, self._read(at, min(_BLOCK, self._size - at))
            self._block = start, block
        return block[at - start]

    def _read(self, start: int, length: int) -> bytes:
        parts, missing = [], length
        with self._lock:
            self._file.seek(start)
            while missing:
                part = self._file.read(missing)
                if not part:
                    raise TruncatedError("the file became shorter while it was read")
                parts.append(part)
                missing -= len(part)
        return b"".join(parts)
