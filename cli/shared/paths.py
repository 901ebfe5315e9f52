"""Paths of outputs, and checks that no output overwrites a file by mistake."""

import functools
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from aez.bitstream.errors import AezError
from aez.cli.shared.inputs import Input
from aez.cli.shared.names import check_file_name, check_folder_name, names_folder, suffix_of, with_suffix
from aez.cli.shared.storage import STDIO, exists, is_local, is_url, status
from aez.codec.picture.files import is_stream, real_path

Pair = tuple[str, str]
"""Input and output."""


def plan_outputs(inputs: Sequence[Input], out: str | None, suffix: str, *, append: bool = False) -> list[Pair]:
    """Pair every input with its output, without writing anything.

    Without ``out`` the output lies beside the input, with its suffix replaced or appended. ``out`` is a folder
    if it exists as one, ends in a separator, or there are several inputs or some from a folder; otherwise it is the
    output file. Standard input goes to standard output unless ``out`` names a file.

    Args:
        inputs: see :func:`aez.cli.shared.inputs.expand_inputs`.
        out: the `-o` option.
        suffix: suffix of outputs that are not named, with its dot.
        append: append it to the input's name instead of replacing the input's suffix.

    Raises:
        AezError: two inputs would be written to one output, an output is another input, several inputs shall go to
            standard output or to a file, standard input to a folder, or the output's suffix stands for another format.
    """
    from_stdin = [item.place for item in inputs] == [STDIO]
    if out is None:
        pairs = [(item.place, STDIO if from_stdin else _beside(item.place, suffix, append)) for item in inputs]
    elif out == STDIO:
        if len(inputs) > 1:
            raise AezError("only one input can go to standard output")
        pairs = [(inputs[0].place, STDIO)]
    elif len(inputs) > 1 or inputs[0].from_folder or names_folder(out):
        if from_stdin:
            raise AezError(f"{out}: standard input needs the name of a file, not a folder")
        if not names_folder(out):
            check_folder_name(out)
        pairs = [(item.place, _join(out, with_suffix(item.relative, suffix, append=append))) for item in inputs]
    else:
        pairs = [(inputs[0].place, out)]
        if _identity(out) != _identity(inputs[0].place):  # which the job refuses in its own words
            check_file_name(out, suffix)
    _refuse_collisions(pairs)
    return pairs


def _beside(place: str, suffix: str, append: bool) -> str:
    if not is_url(place):
        return with_suffix(place, suffix, append=append)
    parent, _, name = place.rpartition("/")
    return f"{parent}/{with_suffix(name, suffix, append=append)}"


def _join(folder: str, relative: str) -> str:
    if is_url(folder):
        return f"{folder.rstrip('/')}/{Path(relative).as_posix()}"
    return str(Path(folder) / relative)


@functools.lru_cache(maxsize=4096)
def _real_folder(folder: Path) -> Path:
    return folder.resolve()


def _identity(place: str) -> str:
    """Return one string for all spellings of a place, and for symbolic links to it, which writing follows."""
    if not is_local(place):
        return place
    path = Path(place)
    return os.path.normcase(real_path(_real_folder(path.parent) / path.name))


def _refuse_collisions(pairs: Sequence[Pair]) -> None:
    _real_folder.cache_clear()
    sources = {_identity(source): source for source, _ in pairs}
    taken: dict[str, str] = {}
    for source, target in pairs:
        identity = _identity(target)
        if identity in taken:
            other = taken[identity]
            apart = suffix_of(source) != suffix_of(other)
            advice = " (--append-suffix keeps a.jpg and a.png apart)" if apart else ""
            raise AezError(f"{source}: its output {target} is that of {other} too{advice}")
        if identity in sources and sources[identity] != source:
            raise AezError(f"{source}: its output {target} would replace the input {sources[identity]}")
        taken[identity] = source


def make_folders(pairs: Sequence[Pair], out: str | None) -> None:
    """Make the folders of outputs below the folder of `-o`; do not make the folder of a single output file.

    Raises:
        AezError: one cannot be made.
    """
    if out is None or out == STDIO or is_url(out) or [target for _, target in pairs] == [out]:
        return
    for folder in dict.fromkeys(Path(target).parent for _, target in pairs):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AezError(f"{folder}: cannot be made a folder ({error.strerror})") from None


def check_output(source: str, target: str, overwrite: bool) -> None:
    """Refuse an output that would overwrite something. Pipes and devices such as ``/dev/null`` are accepted.

    Raises:
        AezError: it is the input itself, a folder or a block device, or exists and ``overwrite`` is off; or its folder
            is missing, or its name too long.
    """
    if not is_local(target):
        if not overwrite and exists(target):
            raise AezError(f"{target}: exists already (--overwrite replaces it)")
        if target == source and target != STDIO:
            raise AezError(f"{target}: the output would replace the input")
        return
    path = Path(target)
    try:
        now = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            now = path.lstat()  # a link that leads nowhere is there, too
        elif path.parent.is_dir():
            return
        else:
            raise AezError(f"{target}: the folder does not exist") from None
    except OSError as error:
        raise AezError(f"{target}: cannot be written ({error.strerror})") from None
    if stat.S_ISDIR(now.st_mode):
        raise AezError(f"{target}: is a folder")
    before = status(source)
    if before is not None and os.path.samestat(before, now):
        raise AezError(f"{target}: the output would replace the input")
    if stat.S_ISBLK(now.st_mode) or stat.S_ISSOCK(now.st_mode):
        raise AezError(f"{target}: is a device or socket that no picture can be written to")
    if not overwrite and not is_stream(now):
        raise AezError(f"{target}: exists already (--overwrite replaces it)")
