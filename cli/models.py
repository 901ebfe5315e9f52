"""`aez models`."""

import click


@click.command()
def command() -> None:
    """List the models that come with aez: name, other name, fingerprint, size, what they are.

    A name that ends with a number means the same model in every version of
    aez; the other name means the newest of its kind.
    """
    from aez.cli.shared.console import say
    from aez.codec.model.registry import ALIASES, DEFAULT_MODEL, packaged_models

    for entry in packaged_models():
        size = entry.path.stat().st_size / 1e6
        also = [alias for alias, name in ALIASES.items() if name == entry.name]
        also += ["default"] if DEFAULT_MODEL in also else []
        mark = f" ({', '.join(also)})" if also else ""
        say(f"{entry.name}{mark}  {entry.fingerprint}  {size:.1f} MB  {entry.card.get('summary', '')}")
