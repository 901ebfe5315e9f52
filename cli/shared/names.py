"""Suffixes of files, and names of outputs."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path

from aez.bitstream.errors import AezError
from aez.cli.shared.inputs import Suffixes
from aez.cli.shared.storage import STDIO, exists, is_url

AEZ_SUFFIX = ".aez"


@functools.cache
def known_suffixes() -> frozenset[str]:
    """Return the lower-case suffixes of picture files and `.aez` files, which outputs' names replace."""
    from PIL import Image

    from aez.codec.picture.formats.plugins import plugin_suffixes

    return frozenset({AEZ_SUFFIX, *Image.registered_extensions()}) | plugin_suffixes(installed=False)


def suffix_of(place: str) -> str:
    """Return the last suffix of a path or URL, lower case, with its dot; empty if there is none."""
    return Path(place).suffix.lower()


def with_suffix(path: str, suffix: str, *, append: bool = False) -> str:
    """Return an output's path: replace a known suffix, or append one.

    A suffix that stands for no picture is part of the name, as in ``holiday.2024-05-01``.

    Args:
        path: path of the input.
        suffix: suffix of the output, with its dot.
        append: keep a known suffix, and append the output's.
    """
    pure = Path(path)
    if not pure.name:  # a root, or the folder that one is in: the job refuses it
        return str(pure / f"output{suffix}")
    keep = append or suffix_of(path) not in known_suffixes()
    return str(pure.with_name((pure.name if keep else pure.stem) + suffix))


def split_output(
    arguments: Sequence[str], out: str | None, suffix: str, takes: Suffixes
) -> tuple[Sequence[str], str | None]:
    """Split arguments into inputs and output; the last of two may be the output, as in other codecs' commands.

    The last argument is an output if its suffix is one of outputs only, and no such file exists.

    Args:
        arguments: the arguments of the command.
        out: the `-o` option.
        suffix: suffix of outputs that are not named.
        takes: function that returns the suffixes of inputs.

    Raises:
        AezError: the last argument can only be meant as an output, and exists or follows several inputs.
    """
    last = arguments[-1]
    if out is not None or len(arguments) < 2 or last == STDIO or not _is_for_outputs(suffix_of(last), suffix, takes):
        return arguments, out
    there = exists(last)
    if len(arguments) == 2 and there:
        raise AezError(f"{last}: exists already and is no input: name an output with -o (--overwrite replaces it)")
    if len(arguments) > 2 and not there:
        raise AezError(f"{last}: no such file; outputs of several inputs go to a folder that -o names")
    return (arguments, None) if there else (arguments[:-1], last)


def _is_for_outputs(found: str, suffix: str, takes: Suffixes) -> bool:
    if found in takes():
        return False
    return found == AEZ_SUFFIX if suffix == AEZ_SUFFIX else found in known_suffixes()


def check_file_name(out: str, suffix: str) -> None:
    """Refuse an output file whose suffix stands for another format.

    Raises:
        AezError: a picture's suffix for an `.aez` file, or one that Pillow does not write for a picture.
    """
    if suffix != AEZ_SUFFIX:
        from aez.codec.picture.outputs import format_of

        format_of(Path(out))
    elif suffix_of(out) in known_suffixes() - {AEZ_SUFFIX}:
        raise AezError(f"{out}: is the name of a picture, and an .aez file is to be written: give it the suffix .aez")


def check_folder_name(out: str) -> None:
    """Refuse a folder of outputs that does not exist and has the suffix of a picture file.

    Raises:
        AezError: it is.
    """
    if suffix_of(out) in known_suffixes():
        raise AezError(f"{out}: several outputs need a folder, and this is the name of a file; a folder's ends in /")


def names_folder(out: str) -> bool:
    """Check whether an output is a folder: it exists as one, or ends in a separator."""
    return out.endswith(("/", os.sep)) or (not is_url(out) and Path(out).is_dir())
