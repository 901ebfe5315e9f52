"""`aez models`."""

import click


@click.command()
def command() -> None:
    """List the models that come with aez: name, fingerprint, size, what they are."""
    from aez.cli.shared.console import say
    from aez.codec.model.registry import DEFAULT_MODEL, packaged_models

    for entry in packaged_models():
        size = entry.path.stat().st_size / 1e6
        mark = " (default)" if entry.name == DEFAULT_MODEL else ""
        say(f"{entry.name}{mark}  {entry.fingerprint}  {size:.1f} MB  {entry.card.get('summary', '')}")
