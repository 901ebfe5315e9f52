"""Formats that Pillow reads with packages beside it, which are imported when a file needs them."""

import importlib
import importlib.util
from dataclasses import dataclass

from PIL import Image

from aez.bitstream.errors import ImageError


@dataclass(frozen=True)
class Plugin:
    """A package that adds a format to Pillow.

    Attributes:
        name: of the format, for people.
        kind: Pillow's name of it.
        package: what to install.
        module: what to import.
        register: function of the module that registers it; None where the import does.
        suffixes: of its files.
    """

    name: str
    kind: str
    package: str
    module: str
    register: str | None
    suffixes: frozenset[str]


_HEIF = Plugin(
    "HEIC",
    "HEIF",
    "pillow-heif",
    "pillow_heif",
    "register_heif_opener",
    frozenset({".heic", ".heics", ".heif", ".heifs", ".hif"}),
)
_JXL = Plugin("JPEG XL", "JXL", "pillow-jxl-plugin", "pillow_jxl", None, frozenset({".jxl"}))
_PLUGINS = (_HEIF, _JXL)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_SHARED_BRANDS = {b"mif1", b"msf1"}
_JXL_STARTS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")


def plugin_suffixes(*, installed: bool) -> frozenset[str]:
    """Suffixes of these formats, lower case: of all, or of those whose package is installed, without importing it."""
    there = (plugin for plugin in _PLUGINS if not installed or importlib.util.find_spec(plugin.module) is not None)
    return frozenset[str]().union(*(plugin.suffixes for plugin in there))


def is_jxl(head: bytes) -> bool:
    """Whether a file that starts with these bytes is a JPEG XL one."""
    return head.startswith(_JXL_STARTS)


def register_for(head: bytes) -> None:
    """Make Pillow read a file that starts with these bytes, if it needs one of these packages.

    Raises:
        ImageError: the package is not installed.
    """
    plugin = _plugin_of(head)
    if plugin is None or plugin.kind in Image.OPEN:
        return
    try:
        module = importlib.import_module(plugin.module)
    except ImportError:
        raise ImageError(f"a {plugin.name} picture needs a package: pip install {plugin.package}") from None
    if plugin.register:
        getattr(module, plugin.register)()


def _plugin_of(head: bytes) -> Plugin | None:
    if is_jxl(head):
        return _JXL
    if head[4:8] != b"ftyp":
        return None
    # The brands that HEIC and AVIF share come with one that tells which of the two it is.
    major, others = head[8:12], {head[at : at + 4] for at in range(16, len(head), 4)}
    return _HEIF if major in _HEIC_BRANDS or (major in _SHARED_BRANDS and others & _HEIC_BRANDS) else None
