"""Read and write the `.aez` file format, which `SPEC.md` beside this file defines.

This package does not import torch, so a file is recognised and described quickly. The names below need no entropy coder
either; :mod:`aez.bitstream.entropy` codes the symbols.
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
