"""Load Pillow plugins of other packages when a file needs them."""

import importlib
import importlib.util
from dataclasses import dataclass

from PIL import Image

from aez.bitstream.errors import ImageError


@dataclass(frozen=True)
class Plugin:
    """A package that adds a format to Pillow.

    Attributes:
        name: name of the format in messages.
        kind: Pillow's name of the format.
        package: package to install.
        module: module to import.
        register: function of the module that registers the format; None if the import registers it.
        suffixes: suffixes of the format's files.
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
    """Return the suffixes of the plugins' formats, lower case.

    With ``installed``, only formats whose package is installed are included; the package is not imported.
    """
    there = (plugin for plugin in _PLUGINS if not installed or importlib.util.find_spec(plugin.module) is not None)
    return frozenset[str]().union(*(plugin.suffixes for plugin in there))


def is_jxl(head: bytes) -> bool:
    """Check whether a file that starts with these bytes is a JPEG XL file."""
    return head.startswith(_JXL_STARTS)


def register_for(head: bytes) -> None:
    """Register the plugin that a file with these first bytes needs, if any.

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
    # HEIC and AVIF share some brands; such a file lists one of HEIC's own brands as well.
    major, others = head[8:12], {head[at : at + 4] for at in range(16, len(head), 4)}
    return _HEIF if major in _HEIC_BRANDS or (major in _SHARED_BRANDS and others & _HEIC_BRANDS) else None
