"""Keep freed memory in the process, because each picture and training step allocates the same large tensors again."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Tell glibc not to return large blocks to the system.

    Otherwise each activation is mapped, faulted in page by page and unmapped again, which on some machines takes as
    long as computing it. The setting affects the whole process, so the library leaves it to its user; `aez` and the
    trainer use it. Without glibc, nothing happens.

    Returns:
        True if glibc accepted the setting.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # musl and others
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 2**26))
    return all(mallopt(key, value) for key, value in settings)


def return_freed_memory() -> bool:
    """Return the memory that :func:`keep_freed_memory` kept to the system; worth its time for large pictures only.

    Returns:
        True if memory was returned.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError):  # musl and others
        return False
