"""Files are replaced whole or not at all."""

import contextlib
import glob
import os
import secrets
from pathlib import Path


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write beside ``path`` and rename, so that neither a crash nor a full disk leaves half a file.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full; nothing is left behind.
    """
    temporary = path.with_name(f"{_prefix(path, os.getpid())}{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def remove_leftovers(path: Path, process: int) -> None:
    """Remove what a process that was killed while it wrote ``path`` left beside it."""
    for temporary in path.parent.glob(glob.escape(_prefix(path, process)) + "*.tmp"):
        with contextlib.suppress(OSError):
            temporary.unlink()


def _prefix(path: Path, process: int) -> str:
    # 48 characters are at most 192 bytes; file systems allow 255.
    return f".{path.name[:48]}.{process}-"
