"""The command group. Each command is a file of its own, imported when it runs."""

import atexit
import contextlib
import gc
import importlib
import os
import signal
from collections.abc import Iterator
from typing import Any, NoReturn

import click

import aez
from aez.bitstream.errors import AezError
from aez.cli.shared.batch.interrupts import ctrl_c_raises
from aez.cli.shared.batch.results import is_out_of_memory
from aez.cli.shared.console import occupy_closed_streams, say
from aez.codec.extras import missing_package
from aez.codec.threads import ONE_PRODUCT

INTERRUPTED = 130
"""Exit code that shells report for a process that Ctrl-C ended."""
COMMANDS = {
    "compress": "Compress pictures into .aez files.",
    "decompress": "Turn .aez files back into pictures.",
    "info": "Describe an .aez file.",
    "view": "Show .aez files in the browser.",
    "denoise": "Remove noise from pictures.",
    "inpaint": "Fill the holes of pictures.",
    "enlarge": "Make pictures twice as wide and high.",
    "colourise": "Guess the colours of grey pictures.",
    "generate": "Draw pictures from a model's own distribution.",
    "stylize": "Paint a picture in the style of another.",
    "models": "List the models that come with aez.",
    "bench": "Measure codecs on pictures and write a report.",
    "compare": "Compare two pictures, or codecs at one file size.",
    "train": "Train a model, or go on training one.",
}


class _Lazy(click.Group):
    """A group that imports a command's module only when the command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of ``COMMANDS``."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import ``aez.cli.<name>`` and return its command."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"aez.cli.{name}").command
        command.name = name  # click took that of the function, which references and man pages would show
        return command

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the arguments."""
        with _ctrl_c_is_told():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        with _ctrl_c_is_told():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@contextlib.contextmanager
def _ctrl_c_is_told() -> Iterator[None]:
    """After Ctrl-C print one line and exit with code 130; click would exit with code 1."""
    try:
        yield
    except KeyboardInterrupt:
        say("aez: interrupted", err=True)
        raise SystemExit(INTERRUPTED) from None


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and exit, if it is wanted."""
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError  # which imports much

    try:
        version = aez.__version__
    except PackageNotFoundError:  # run from a source tree that is not installed
        version = "not installed"
    click.echo(f"aez, version {version}")
    ctx.exit()


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def group() -> None:
    """Encode photographs as .aez files and decode them, the same on every machine."""


def main() -> NoReturn:
    """Run the command line; print any error as one line on standard error, and exit with code 1."""
    occupy_closed_streams()
    os.environ.setdefault(ONE_PRODUCT, "1")
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # the work is done, and its exit code stands
    try:
        with ctrl_c_raises():
            group.main(prog_name="aez", standalone_mode=True)
    except Exception as error:
        say(f"aez: {_reason(error)}", err=True)
        raise SystemExit(1) from None
    finally:
        gc.freeze()  # nothing is collected at the end, which would take 20 ms
    raise SystemExit(0)


def _reason(error: Exception) -> str:
    """Return an error's cause as one line."""
    if isinstance(error, AezError):
        return str(error)
    if is_out_of_memory(error):
        return "not enough memory"
    if isinstance(error, OSError):
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror or error}"
    text = " ".join(str(error).split())
    if isinstance(error, ImportError):
        return missing_package(error) or f"a package cannot be loaded ({text})"
    return f"error in aez, please report it ({type(error).__name__}: {text})"
