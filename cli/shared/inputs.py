"""Expansion of inputs: files, folders, patterns that no shell expanded, URLs, standard input."""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from aez.bitstream.errors import AezError
from aez.cli.shared.storage import STDIO, file_system, is_url, reason_of

Suffixes = Callable[[], frozenset[str]]
_NOT_IN_FOLDERS = frozenset({"AEZ", "BUFR", "EPS", "FPX", "GRIB", "HDF5", "MPEG", "PDF", "WMF"})
"""Pillow formats not to take from folders: `.aez`, no photographs, or readable only with other programs."""


@dataclass(frozen=True)
class Input:
    """An input file, and its path below a folder of outputs.

    Attributes:
        place: path, URL or ``-``.
        relative: path below the output folder, still with the input's suffix.
        from_folder: the input was found in a folder, so `-o` names a folder of outputs.
    """

    place: str
    relative: str
    from_folder: bool = False


def picture_suffixes() -> frozenset[str]:
    """Return the lower-case suffixes of the files that `compress -r` takes from folders."""
    from PIL import Image

    from aez.codec.picture.formats.plugins import plugin_suffixes

    known = Image.registered_extensions()
    found = frozenset(s for s, kind in known.items() if kind in Image.OPEN and kind not in _NOT_IN_FOLDERS)
    return found | plugin_suffixes(installed=True)


def aez_suffixes() -> frozenset[str]:
    """Return the suffixes of the files that `decompress -r` takes from folders."""
    return frozenset({".aez"})


def expand_inputs(arguments: Sequence[str], *, recursive: bool, suffixes: Suffixes) -> list[Input]:
    """Return the files that the arguments stand for, in their order; sort those of a folder or pattern by name.

    A pattern (``*``, ``?``, ``[…]``, ``**`` for any depth) is expanded unless a file of that very name exists. A folder
    is walked only if ``recursive``; otherwise its job refuses it. In folders, names that start with a dot and symbolic
    links to folders are skipped.

    Args:
        arguments: paths, patterns, URLs, or ``-`` alone.
        recursive: the `-r` option.
        suffixes: function that returns the suffixes of the files to take from folders.

    Raises:
        AezError: ``-`` among other inputs, an empty name, a pattern that matches nothing, or a folder with nothing to
            take in it.
    """
    if STDIO in arguments:
        if len(arguments) > 1:
            raise AezError("- (standard input) must be the only input")
        return [Input(STDIO, STDIO)]
    if "" in arguments:
        raise AezError("an input has an empty name")
    found: list[Input] = []
    for argument in arguments:
        expand = _expand_url if is_url(argument) else _expand_path
        found.extend(expand(argument, recursive, suffixes))
    return found


def _expand_path(argument: str, recursive: bool, suffixes: Suffixes) -> list[Input]:
    path = Path(argument)
    if recursive and _is_folder(path):
        return _from_folder(argument, suffixes)
    if os.path.lexists(argument) or not glob.has_magic(argument):
        return [Input(argument, path.name)]
    matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute patterns)
    if not matches:
        raise AezError(f"{argument}: no file matches")
    found: list[Input] = []
    for match in matches:
        if not Path(match).is_dir():
            found.append(Input(match, Path(match).name))
        elif recursive:
            found.extend(_from_folder(match, suffixes, empty=True))
    if not found:
        raise AezError(f"{argument}: only folders match (-r takes what is in them)")
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long for a file: its job says so
        return False


def _from_folder(folder: str, suffixes: Suffixes, *, empty: bool = False) -> list[Input]:
    wanted = suffixes()
    found = [Input(str(p), str(p.relative_to(folder)), True) for p in _walk(Path(folder)) if p.suffix.lower() in wanted]
    if not found and not empty:
        raise AezError(f"{folder}: nothing in this folder is of a kind that this command takes")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise AezError(f"{error.filename}: cannot be read ({error.strerror})")

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))


def _expand_url(argument: str, recursive: bool, suffixes: Suffixes) -> list[Input]:
    system, path = file_system(argument)
    try:
        pattern = glob.has_magic(path) and not system.exists(path)
        folder = recursive and not pattern and system.isdir(path)
        if (pattern or folder) and "::" in argument:
            raise AezError(f"{argument}: of a chained URL (::) files must be named one by one")
        if pattern:
            matches = [match for match in sorted(system.glob(path)) if not system.isdir(match)]
            if not matches:
                raise AezError(f"{argument}: no file matches")
            return [Input(str(system.unstrip_protocol(match)), _name_of(match)) for match in matches]
        if folder:
            wanted = suffixes()
            matches = [match for match in sorted(system.find(path)) if PurePosixPath(match).suffix.lower() in wanted]
            if not matches:
                raise AezError(f"{argument}: nothing in this folder is of a kind that this command takes")
            root = path.rstrip("/") + "/"
            return [Input(str(system.unstrip_protocol(match)), _below(root, match), True) for match in matches]
    except AezError:
        raise
    except Exception as error:  # each store has errors of its own
        raise AezError(f"{argument}: cannot be reached ({reason_of(error)})") from None
    return [Input(argument, _name_of(path))]


def _name_of(path: str) -> str:
    """Return the last part of an object's path.

    Raises:
        AezError: it would lead out of the folder of outputs.
    """
    name = PurePosixPath(path).name
    if name == ".." or PureWindowsPath(name).drive or "\\" in name:
        raise AezError(f"{path}: is no name for an output")
    return name


def _below(root: str, match: str) -> str:
    """Return an object's path relative to a folder, and refuse keys that lead out of the folder.

    Raises:
        AezError: it does.
    """
    relative = match.removeprefix(root)
    leads_out = PurePosixPath(relative).is_absolute() or ".." in PurePosixPath(relative).parts
    if not match.startswith(root) or leads_out or PureWindowsPath(relative).drive or "\\" in relative:
        raise AezError(f"{match}: is not below {root}, so that its output would not be below the folder of outputs")
    return relative
