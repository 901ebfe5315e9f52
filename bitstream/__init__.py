"""The `.aez` file: container, limits and entropy coding, as `SPEC.md` beside this file defines them.

Nothing here imports torch, so that a file is recognised and described at once. The names below need no coder either;
symbols are coded in :mod:`aez.bitstream.entropy`.
"""

from aez.bitstream.container import (
    SIGNATURE,
    VERSION,
    ChunkType,
    Container,
    is_aez,
    read_container,
    read_header,
    read_preview,
    write_container,
)
from aez.bitstream.errors import (
    AezError,
    ChecksumError,
    FormatError,
    ImageError,
    LimitError,
    ModelError,
    TruncatedError,
)
from aez.bitstream.header import Header
from aez.bitstream.limits import Limits

__all__ = [
    "SIGNATURE",
    "VERSION",
    "AezError",
    "ChecksumError",
    "ChunkType",
    "Container",
    "FormatError",
    "Header",
    "ImageError",
    "LimitError",
    "Limits",
    "ModelError",
    "TruncatedError",
    "is_aez",
    "read_container",
    "read_header",
    "read_preview",
    "write_container",
]
