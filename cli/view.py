"""`aez view`."""

import contextlib
import functools
import threading
from pathlib import Path
from typing import Any

import click

from aez.bitstream.limits import Limits
from aez.cli.shared.console import say
from aez.cli.shared.inputs import aez_suffixes, expand_inputs
from aez.cli.shared.options.limits import limit_options, max_pixels_option

ENDING = 5.0
"""Most seconds to wait after Ctrl-C for a picture that is being decoded."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port; 0 for any free one.")
@click.option("--no-open", is_flag=True, help="Do not open a browser, only print the address.")
@click.option("--model", metavar="NAME|PATH", help="Weights that made the files, if aez does not have them.")
@click.option(
    "--page",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Decode in the browser, with the page in this folder and the runtime that npm has installed there.",
)
@max_pixels_option
@limit_options
def command(
    files: tuple[str, ...],
    port: int,
    no_open: bool,
    model: str | None,
    folder: Path | None,
    max_pixels: int,
    limits: dict[str, int],
) -> None:
    """Show .aez files in the browser: look, zoom, compare, save as PNG. Ctrl-C ends it.

    FILES are .aez files, and pictures to compare them with (PNG, JPEG, WebP, AVIF, GIF). The address is one of this
    machine only, and holds a secret: a program that does not know it gets nothing.
    """
    from aez.cli.shared.viewing.files import check_file
    from aez.cli.shared.viewing.page import check_runtime, packaged_page, page_files
    from aez.cli.shared.viewing.server import Server
    from aez.codec.describe import describe
    from aez.codec.model.registry import find_model

    if folder is not None and model is not None:
        raise click.UsageError("--model and --page exclude each other: the page has the weights that it decodes with")
    if model is not None:
        find_model(model)  # an error is told before a page is shown
    allowed = Limits(max_pixels=max_pixels, **limits)
    inputs = expand_inputs(files, recursive=False, suffixes=aez_suffixes)
    shown = [check_file(one.place, allowed) for one in inputs]
    page = page_files(folder or packaged_page())
    if folder is not None:
        check_runtime(folder, page)
    decode = None if folder is not None else functools.partial(_png, model=model, limits=allowed)
    with Server(shown, page, decode, functools.partial(describe, limits=allowed), port=port) as server:
        with contextlib.suppress(KeyboardInterrupt):
            say(server.url)
            if not no_open:
                # A browser of the terminal returns only when it is left.
                threading.Thread(target=_open, args=(server.url,), daemon=True).start()
            server.serve_forever()
        server.wait(ENDING)


def _png(data: bytes, *, model: str | None, limits: Limits) -> Any:
    """Decode a file and return a PNG file, turned as it is meant to be seen.

    Raises:
        AezError: the file is damaged, or its model is not known.
    """
    from aez.codec.api import codec_for
    from aez.codec.picture.outputs import write_picture

    picture = codec_for(data, model=model, limits=limits).decode_picture(data, seen=True, limits=limits)
    made, _ = write_picture(picture, "PNG", auto_orient=True)
    return made


def _open(url: str) -> None:
    """Open a browser; where there is none, the printed address is what remains."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)
