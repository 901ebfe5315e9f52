"""`aez train`."""

from pathlib import Path

import click

from aez.cli.shared.options.types import Number


@click.command()
@click.argument("data", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--recipe",
    default="photo-start",
    show_default=True,
    metavar="NAME|FILE",
    help="Settings of the training: a packaged recipe, named after the model it makes, or a TOML file.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Override a setting of the recipe. May be repeated."
)
@click.option("--list-settings", is_flag=True, help="Print all settings of the recipe with their meaning, and stop.")
@click.option("--minutes", type=Number(min=0), help="Wall-clock time to train for.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Checkpoint to write (float32, live and averaged weights), every few minutes and at the end.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Checkpoint or weights file to go on from; without it a new model is started from DATA.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Weights file to write at the end, from the averaged weights, for --model of other commands.",
)
@click.option("--name", default="custom", show_default=True, help="Name of the exported model.")
@click.option(
    "--valid",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Pictures to evaluate the averaged weights on at the end. May be repeated.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True)
def command(
    data: tuple[Path, ...],
    recipe: str,
    changes: tuple[str, ...],
    list_settings: bool,
    minutes: float | None,
    out: Path | None,
    resume: Path | None,
    export: Path | None,
    name: str,
    valid: tuple[Path, ...],
    device: str,
) -> None:
    """Train a model on DATA: picture files, folders and tar shards.

    A recipe holds the settings, such as the learning rate; `aez train --recipe NAME --list-settings`
    describes each. Training stops when the time is up, or on SIGTERM or Ctrl-C, with the checkpoint written. Under
    `torchrun`, all processes share the work.
    """
    from aez.codec.training.recipe import load_recipe

    settings = load_recipe(recipe, changes)
    if list_settings:
        click.echo(settings.listing(), nl=False)
        return
    if not data or minutes is None or out is None:
        needed = {"DATA": data, "--minutes": minutes is not None, "--out": out is not None}
        raise click.UsageError(f"missing: {', '.join(name for name, given in needed.items() if not given)}")
    family = settings.model != "photo"
    if family and valid:
        raise click.UsageError("--valid is for the photo model; the family's figures come from aez.benchmarks")
    from aez.codec.training.family import FamilySession
    from aez.codec.training.flagship import FlagshipSession

    kind = FamilySession if family else FlagshipSession
    session = kind(data, settings, resume=resume, device=device, report=click.echo)
    session.train(out, minutes)
    if isinstance(session, FlagshipSession) and valid:
        session.evaluate(out, valid)
    if export:
        session.export(out, export, name)
