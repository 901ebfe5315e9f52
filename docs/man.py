"""Write the man pages, one for `aez` and one for each command: ``python docs/man.py FOLDER``.

The text is that of ``--help``. click-man is not used: it does not find commands that are loaded lazily, shortens the
line that `apropos` shows, and drops lines that begin with a quote or a dot.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import click

from aez.cli.main import COMMANDS, group


def escaped(text: str) -> str:
    """Escape text for roff: backslashes, hyphens, and dots and quotes at the start of a line."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in {".", "'"} else line for line in text.split("\n"))


def definitions(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a paragraph with a bold term for each pair."""
    for term, text in pairs:
        yield from (".TP", f"\\fB{escaped(term)}\\fR", escaped(" ".join(text.split())))


def options(context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield the options of a command with their help, as `--help` shows them."""
    for one in context.command.get_params(context):
        if isinstance(one, click.Option) and (record := one.get_help_record(context)):
            yield record


def description(text: str) -> Iterator[str]:
    """Yield the paragraphs of a text; those that click does not rewrap (after a backspace line) keep their lines."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        kept = paragraph.startswith("\b\n")
        body = escaped(paragraph.removeprefix("\b\n"))
        yield from (".PP", ".nf", body, ".fi") if kept else (".PP", body)


def man_page(context: click.Context, summary: str) -> str:
    """Return the man page of a command, as roff with the man macros.

    Args:
        context: context of the command, with its parents.
        summary: line that `apropos` shows.
    """
    command = context.command
    name = context.command_path.replace(" ", "-")
    lines = [
        f'.TH "{name.upper()}" "1" "" "aez {version("aez")}" "aez manual"',
        ".SH NAME",
        f"{escaped(name)} \\- {escaped(summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        f"\\fB{escaped(context.command_path)}\\fR {escaped(' '.join(command.collect_usage_pieces(context)))}",
        ".SH DESCRIPTION",
        *list(description(command.help or summary))[1:],
        ".SH OPTIONS",
        *definitions(options(context)),
    ]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS", *definitions(COMMANDS.items())]
    lines += [
        ".SH EXIT STATUS",
        *definitions([("0", "Success."), ("1", "A file failed; the other files are done."), ("2", "Wrong usage.")]),
        ".SH SEE ALSO",
        ", ".join(f"\\fB{escaped(other)}\\fR(1)" for other in others(name)),
    ]
    return "\n".join(lines) + "\n"


def others(name: str) -> list[str]:
    """Return the names of all man pages except ``name``."""
    return [page for page in ("aez", *(f"aez-{command}" for command in COMMANDS)) if page != name]


def main(folder: str) -> None:
    """Write `aez.1`, `aez-compress.1` and so on; create the folder if it does not exist."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    top = click.Context(group, info_name="aez", **group.context_settings)
    pages = {"aez.1": man_page(top, group.help or "")}
    for name, summary in COMMANDS.items():
        command = group.get_command(top, name)
        if command is None:
            raise LookupError(name)
        context = click.Context(command, info_name=name, parent=top, **command.context_settings)
        pages[f"aez-{name}.1"] = man_page(context, summary)
    for file, text in pages.items():
        Path(folder, file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/man.py FOLDER")
    main(sys.argv[1])
