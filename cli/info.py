"""`aez info`."""

import json

import click

from aez.bitstream import Limits, is_aez, read_header
from aez.bitstream.errors import AezError
from aez.cli.shared.console import say, say_lines
from aez.cli.shared.options.limits import limit_options, max_pixels_option
from aez.cli.shared.storage import mode_like, read_bytes, shown, write_bytes


@click.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--digest", is_flag=True, help="Print only the SHA-256 of the decoded symbols.")
@click.option("--model", metavar="NAME|PATH", help="Weights that made the file, if aez does not have them.")
@click.option(
    "--heatmap", metavar="OUT", help="Draw a heat map: bits per pixel of every 16×16 block, over the dimmed picture."
)
@click.option("--alone", is_flag=True, help="Draw the heat map without the picture.")
@click.option("--overwrite", is_flag=True, help="Replace a heat map that exists.")
@max_pixels_option
@limit_options
def command(
    file: str,
    as_json: bool,
    digest: bool,
    model: str | None,
    heatmap: str | None,
    alone: bool,
    overwrite: bool,
    max_pixels: int,
    limits: dict[str, int],
) -> None:
    """Describe an .aez file; every checksum is verified, and with --digest the symbols are decoded."""
    if as_json + digest + (heatmap is not None) > 1:
        raise click.UsageError("--json, --digest and --heatmap exclude each other")
    if (alone or overwrite) and heatmap is None:
        raise click.UsageError("--alone and --overwrite go with --heatmap")
    allowed = Limits(max_pixels=max_pixels, **limits)
    if heatmap is not None:
        _draw(file, heatmap, model, alone, overwrite, allowed)
        return
    data = read_bytes(file, is_aez, allowed.max_memory)
    file = shown(file)
    try:
        if digest:
            from aez.codec.api import codec_for

            say(codec_for(data, model=model, device="cpu", limits=allowed).digest(data, limits=allowed))
            return
        from aez.codec.describe import describe

        facts = describe(data, allowed)
    except AezError as error:
        raise type(error)(f"{file}: {error}") from None
    if as_json:
        say_lines(json.dumps(facts, indent=1))
        return
    quality = "" if facts["quality"] is None else f", quality {facts['quality']:g}"
    model_name = facts["model"] or "unknown to this package"
    samples = f"{facts['depth']}-bit {facts['colour']}{' with alpha' if facts['alpha'] else ''}"
    chunks = ", ".join(f"{chunk['type']} {chunk['bytes']}" for chunk in facts["chunks"])
    say(f"{file}: .aez version {facts['format_version']}")
    say(f"picture   {facts['width']}×{facts['height']}, {samples}, orientation {facts['orientation']}")
    say(f"size      {facts['bytes']} bytes, {facts['bpp']:.4f} bpp{quality}")
    say(f"model     {model_name} (fingerprint {facts['fingerprint']})")
    if facts["layer"]:
        say(f"layer     {'the whole picture' if facts['layer'] == 'whole' else 'over a part of the picture'}")
    say(f"chunks    {chunks}; {facts['tiles']} tile{'s' if facts['tiles'] > 1 else ''}")


def _draw(file: str, out: str, model: str | None, alone: bool, overwrite: bool, limits: Limits) -> None:
    """Write the heat map of a file."""
    from pathlib import Path

    from aez.cli.shared.paths import check_output
    from aez.codec.picture.outputs import format_of, picture_bytes
    from aez.codec.picture.picture import Picture

    check_output(file, out, overwrite)
    kind = format_of(Path(out))
    data = read_bytes(file, is_aez, limits.max_memory)
    try:
        read_header(data, limits)  # a foreign file is refused before torch is imported
        import numpy as np

        from aez.codec.api import codec_for
        from aez.codec.heatmap import heatmap

        drawn = heatmap(codec_for(data, model=model, limits=limits), data, alone=alone, limits=limits)
    except AezError as error:
        raise type(error)(f"{shown(file)}: {error}") from None
    made = picture_bytes(Picture(np.asarray(drawn)), kind)
    write_bytes(out, made, replace=overwrite, mode=mode_like(file))
    say(f"{out}: {drawn.width}×{drawn.height}, {len(made)} bytes")
