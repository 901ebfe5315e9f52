"""Keep freed memory in the process: every picture and every training step allocates the same large tensors again."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Tell glibc not to give large blocks back to the system; returns whether it took it.

    Otherwise each activation is mapped, faulted in page by page and unmapped again, which on some machines costs as
    much as computing it. It concerns the whole process, so the library leaves the choice to its user; `aez` and the
    trainer make it. Elsewhere than on glibc nothing happens.
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
    """Give back what :func:`keep_freed_memory` kept; returns whether it could. For large pictures only."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError):  # musl and others
        return False
