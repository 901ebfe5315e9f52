"""Write files atomically: a file is replaced whole or not at all."""

import contextlib
import errno
import glob
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

STALE_SECONDS = 3600.0
"""Age in seconds from which a temporary file counts as left behind; writing a file takes only seconds."""
_TEMPORARY = re.compile(r"(\..+\.)\d+-[0-9a-f]{8}\.tmp", re.DOTALL)


def write_atomically(path: Path, data: bytes | memoryview, *, replace: bool = True, mode: int | None = None) -> None:
    """Write a file that gets its name when it is complete, so that neither a crash nor a full disk leaves half a file.

    Where the system has files without names, a killed process leaves nothing behind; elsewhere it may leave a temporary
    file beside ``path``, see :func:`remove_stale`. A symbolic link stays, and its target is replaced. Devices and pipes
    are written to directly.

    Args:
        path: file to write.
        data: contents of the file.
        replace: whether an existing file may be replaced; if not, a file that another process creates meanwhile is
            kept.
        mode: permission bits of a new file before the umask; None for 0o666. A replaced file keeps its own permissions.

    Raises:
        FileExistsError: a file exists and ``replace`` is off.
        OSError: the folder is missing or not writable, or the disk is full; nothing is left behind.
    """
    there = _status(path)
    if there is not None and is_stream(there):
        with path.open("wb") as stream:
            stream.write(data)
        return
    if there is not None and not stat.S_ISREG(there.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    if not replace and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    path = real_path(path)
    temporary = path.with_name(f"{_prefix(path, os.getpid())}{secrets.token_hex(4)}.tmp")
    kept = None if there is None else stat.S_IMODE(there.st_mode)
    wanted = kept if kept is not None else mode if mode is not None else 0o666
    try:
        if _written_without_name(temporary if replace else path, data, wanted, kept):
            if replace:
                temporary.replace(path)
            return
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, wanted)) as file:
            _fill(file, data)
        if kept is not None:
            temporary.chmod(kept)
        if replace:
            temporary.replace(path)
        else:
            _rename_to_new(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _written_without_name(place: Path, data: bytes | memoryview, mode: int, kept: int | None) -> bool:
    """Write a file that has no name, and name it ``place``, which must not exist; return False if the system cannot.

    Args:
        place: name of the file.
        data: its contents.
        mode: permission bits, before the umask.
        kept: permission bits that the umask does not limit; None for ``mode``.
    """
    try:
        handle = os.open(place.parent, os.O_TMPFILE | os.O_WRONLY, mode)
    except (AttributeError, OSError):  # if the folder is at fault, writing by name tells
        return False
    with os.fdopen(handle, "wb") as file:
        _fill(file, data)
        if kept is not None:
            os.fchmod(handle, kept)
        try:
            # A file's descriptor makes Python call linkat, which follows the link.
            os.link(f"/proc/self/fd/{handle}", place, src_dir_fd=handle, follow_symlinks=True)
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):  # no /proc, or a file system without hard links
            return False
    return True


def _fill(file: BinaryIO, data: bytes | memoryview) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def is_stream(status: os.stat_result) -> bool:
    """Check whether a file is written to directly: a pipe, or a device such as a terminal or ``/dev/null``."""
    return stat.S_ISCHR(status.st_mode) or stat.S_ISFIFO(status.st_mode)


def remove_stale(paths: Iterable[Path]) -> None:
    """Remove temporary files of killed processes beside these files if they are at least an hour old.

    Younger files may belong to a process that is still writing, on this machine or another one.
    """
    wanted: dict[Path, set[str]] = {}
    for path in map(real_path, paths):
        wanted.setdefault(path.parent, set()).add(_start(path))
    latest = time.time() - STALE_SECONDS
    for folder, starts in wanted.items():
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                found = _TEMPORARY.fullmatch(entry.name)
                if found and found[1] in starts and entry.stat(follow_symlinks=False).st_mtime < latest:
                    Path(entry).unlink()


def remove_leftovers(path: Path, process: int) -> None:
    """Remove the temporary files that a killed process left beside ``path``."""
    path = real_path(path)
    for temporary in path.parent.glob(glob.escape(_prefix(path, process)) + "*.tmp"):
        with contextlib.suppress(OSError):
            temporary.unlink()


def _rename_to_new(temporary: Path, path: Path) -> None:
    """Rename a file to a name that must not exist."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: create the name first, then replace it
        with path.open("xb"):
            temporary.replace(path)
        return
    temporary.unlink()


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def real_path(path: Path) -> Path:
    """Resolve symbolic links in the last part of a path; return the file that writing would replace."""
    try:
        return Path(os.path.realpath(path)) if path.is_symlink() else path
    except OSError:  # a name too long for a file
        return path


def _start(path: Path) -> str:
    # 48 characters are at most 192 bytes; file systems allow 255.
    return f".{path.name[:48]}."


def _prefix(path: Path, process: int) -> str:
    return f"{_start(path)}{process}-"
