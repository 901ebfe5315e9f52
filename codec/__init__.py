"""Encode and decode pictures: ``from aez import codec``.

Public names are loaded when they are first used, so that importing this package, its registry or its description of
files imports no networks. If a name needs a package that is not installed, its use raises an :class:`ImportError` that
names the extra to install.
"""

import importlib
from typing import TYPE_CHECKING, Any

from aez.bitstream.errors import (
    AezError,
    ChecksumError,
    FormatError,
    ImageError,
    LimitError,
    ModelError,
    TruncatedError,
)
from aez.bitstream.limits import Limits
from aez.codec.extras import missing_package

if TYPE_CHECKING:
    from aez.codec.api import decode, decode_array, encode, from_latents, info, latents, load, preview
    from aez.codec.codec import Codec
    from aez.codec.encoding.target import Target
    from aez.codec.family.generation.sampling import generate
    from aez.codec.family.restoration.colourise import colourise
    from aez.codec.family.restoration.denoise import denoise
    from aez.codec.family.restoration.enlarge import enlarge
    from aez.codec.family.restoration.inpaint import inpaint
    from aez.codec.family.style.stylize import stylize
    from aez.codec.options import DecodeOptions, EncodeOptions
    from aez.codec.symbols.representation import Latents
    from aez.codec.tensors import decode_batch, decode_tensor, encode_batch, encode_tensor

_LAZY = dict.fromkeys(
    ("decode", "decode_array", "encode", "from_latents", "info", "latents", "load", "preview"), "aez.codec.api"
) | {
    "decode_batch": "aez.codec.tensors",
    "decode_tensor": "aez.codec.tensors",
    "encode_batch": "aez.codec.tensors",
    "encode_tensor": "aez.codec.tensors",
    "Codec": "aez.codec.codec",
    "DecodeOptions": "aez.codec.options",
    "EncodeOptions": "aez.codec.options",
    "Target": "aez.codec.encoding.target",
    **{name: f"aez.codec.family.restoration.{name}" for name in ("colourise", "denoise", "enlarge", "inpaint")},
    "Latents": "aez.codec.symbols.representation",
    "generate": "aez.codec.family.generation.sampling",
    "stylize": "aez.codec.family.style.stylize",
}

__all__ = [
    "AezError",
    "ChecksumError",
    "Codec",
    "DecodeOptions",
    "EncodeOptions",
    "FormatError",
    "ImageError",
    "Latents",
    "LimitError",
    "Limits",
    "ModelError",
    "Target",
    "TruncatedError",
    "colourise",
    "decode",
    "decode_array",
    "decode_batch",
    "decode_tensor",
    "denoise",
    "encode",
    "encode_batch",
    "encode_tensor",
    "enlarge",
    "from_latents",
    "generate",
    "info",
    "inpaint",
    "latents",
    "load",
    "preview",
    "stylize",
]


def __getattr__(name: str) -> Any:
    """Import the module of a public name, and return the object."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_LAZY[name]), name)
    except ImportError as error:
        line = missing_package(error, f"{__name__}.{name}")
        if line is None:
            raise
        raise ImportError(line, name=error.name) from None


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return __all__
