"""Which output belongs to which input."""

import os
from collections.abc import Sequence
from pathlib import Path

from aez.bitstream.errors import AezError


def plan_outputs(inputs: Sequence[Path], out: str | None, suffix: str) -> list[tuple[Path, Path]]:
    """Pair every input with its output.

    Without ``out`` the output lies beside the input, its suffix replaced. ``out`` is a folder if it exists as one,
    ends in a separator, or there are several inputs; it is made if missing. Otherwise it is the output file.

    Args:
        inputs: files.
        out: the `-o` option.
        suffix: of outputs that are not named, with its dot.

    Raises:
        AezError: two inputs would be written to the same output, or the folder cannot be made.
    """
    if out is None:
        pairs = [(path, path.with_name(_stem(path) + suffix)) for path in inputs]
    elif len(inputs) > 1 or out.endswith(("/", os.sep)) or Path(out).is_dir():
        try:
            Path(out).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AezError(f"{out}: cannot be made a folder ({error.strerror})") from None
        pairs = [(path, Path(out) / (_stem(path) + suffix)) for path in inputs]
    else:
        pairs = [(inputs[0], Path(out))]
    seen: dict[Path, Path] = {}
    for source, target in pairs:
        if target in seen:
            raise AezError(f"{source}: its output {target} is that of {seen[target]} too")
        seen[target] = source
    return pairs


def _stem(path: Path) -> str:
    """The name without its last suffix; a name that is all suffix stays whole."""
    return path.stem or path.name


def check_output(source: Path, target: Path, overwrite: bool) -> None:
    """Refuse an output that would cost the user something.

    Raises:
        AezError: it is the input itself, a folder, or exists and ``overwrite`` is off; or its folder is missing.
    """
    if target.is_dir():
        raise AezError(f"{target}: is a folder")
    if target.exists():
        if source.exists() and target.samefile(source):
            raise AezError(f"{target}: the output would replace the input")
        if not overwrite:
            raise AezError(f"{target}: exists already (--overwrite replaces it)")
    elif not target.parent.is_dir():
        raise AezError(f"{target}: the folder does not exist")


def read_input(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        AezError: it is missing, a folder or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise AezError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise AezError(f"{path}: is a folder") from None
    except OSError as error:
        raise AezError(f"{path}: cannot be read ({error.strerror})") from None
