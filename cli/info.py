"""`aez info`."""

import json

import click

from aez.bitstream.errors import AezError
from aez.cli.storage import read_bytes, shown


@click.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--digest", is_flag=True, help="Print only the SHA-256 of the decoded symbols.")
@click.option("--model", metavar="NAME|PATH", help="Weights that made the file, if aez does not have them.")
def command(file: str, as_json: bool, digest: bool, model: str | None) -> None:
    """Describe an .aez file; every checksum is verified, and with --digest the symbols are decoded."""
    if as_json and digest:
        raise click.UsageError("--json and --digest exclude each other")
    data = read_bytes(file)
    file = shown(file)
    try:
        if digest:
            from aez.codec.api import codec_for

            click.echo(codec_for(data, model=model, device="cpu").digest(data))
            return
        from aez.codec.describe import describe

        facts = describe(data)
    except AezError as error:
        raise type(error)(f"{file}: {error}") from None
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    quality = "" if facts["quality"] is None else f", quality {facts['quality']:g}"
    model_name = facts["model"] or "unknown to this package"
    chunks = ", ".join(f"{chunk['type']} {chunk['bytes']}" for chunk in facts["chunks"])
    click.echo(f"{file}: .aez version {facts['format_version']}")
    click.echo(
        f"picture   {facts['width']}×{facts['height']}, {facts['depth']}-bit {facts['colour']}, "
        f"orientation {facts['orientation']}"
    )
    click.echo(f"size      {facts['bytes']} bytes, {facts['bpp']:.4f} bpp{quality}")
    click.echo(f"model     {model_name} (fingerprint {facts['fingerprint']})")
    click.echo(f"chunks    {chunks}; {facts['tiles']} tile{'s' if facts['tiles'] > 1 else ''}")
