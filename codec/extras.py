"""The extras of the package: which of them installs a package, and the line that says so where it is missing."""

from collections.abc import Sequence
from importlib.util import find_spec

from aez.bitstream.errors import AezError

_PACKAGES = {
    "torch": ("torch", "PyTorch"),
    "compressai": ("train", "compressai"),
    "onnx": ("train", "onnx"),
    "pytorch_optimizer": ("train", "pytorch-optimizer"),
    "tomli": ("train", "tomli"),
    "bjontegaard": ("bench", "bjontegaard"),
    "matplotlib": ("bench", "matplotlib"),
    "pillow_heif": ("bench", "pillow-heif"),
    "pillow_jxl": ("bench", "pillow-jxl-plugin"),
    "plotly": ("bench", "plotly"),
    "pyvips": ("bench", "pyvips"),
    "ray": ("ray", "Ray"),
    "pyarrow": ("ray", "pyarrow"),
    "atheris": ("fuzz", "atheris"),
    "fsspec": ("url", "fsspec"),
    "aiohttp": ("url", "aiohttp"),
}
"""For each package that only extras install, by the name to import: its smallest extra, and its name in messages."""


def is_installed(package: str) -> bool:
    """Check for a package without importing it."""
    return find_spec(package) is not None


def require(*packages: str, what: str = "this") -> None:
    """Refuse work that needs packages which are not installed.

    Args:
        packages: names to import, each of an extra.
        what: the beginning of the message.

    Raises:
        AezError: at least one is not installed; the text names these and their extras.
    """
    absent = [package for package in packages if not is_installed(package)]
    if absent:
        raise AezError(_line(what, absent))


def missing_package(error: Exception, what: str = "this") -> str | None:
    """Return the line for an import that failed because an extra is not installed; None for any other error.

    Args:
        error: the error.
        what: the beginning of the line.
    """
    name = error.name if isinstance(error, ImportError) else None
    package = (name or "").partition(".")[0]
    return _line(what, [package]) if package in _PACKAGES and not is_installed(package) else None


def _line(what: str, packages: Sequence[str]) -> str:
    extras = sorted({_PACKAGES[package][0] for package in packages})
    *names, last = (_PACKAGES[package][1] for package in packages)
    named = f"{', '.join(names)} and {last}, which are" if names else f"{last}, which is"
    return f"{what} needs {named} not installed: pip install 'aez[{','.join(extras)}]'"
