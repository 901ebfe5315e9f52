"""Mean of the averaged weights of several checkpoints, of runs that went on from the same checkpoint.

python -m aez.codec.training.checkpoints.mean CHECKPOINTS... --since CHECKPOINT -o OUT
"""

from collections.abc import Sequence
from pathlib import Path

import click

from aez.bitstream.errors import ModelError
from aez.codec.networks import HyperpriorModel
from aez.codec.training.checkpoints.checkpoint import load_checkpoint, save_checkpoint


def mean_of(models: Sequence[HyperpriorModel]) -> HyperpriorModel:
    """Average the weights of models (Wortsman et al., ICML 2022); the first model is changed and returned.

    Raises:
        ModelError: the models have different configurations.
    """
    if any(model.config != models[0].config for model in models):
        raise ModelError("the checkpoints are not of one configuration")
    states = [model.state_dict() for model in models]
    models[0].load_state_dict({name: sum(state[name] for state in states) / len(states) for name in states[0]})
    return models[0]


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--since", type=click.Path(path_type=Path), help="Checkpoint that all runs went on from; its pixels count once."
)
@click.option("-o", "--output", "out", required=True, type=click.Path(path_type=Path), help="Checkpoint to write.")
def command(checkpoints: tuple[Path, ...], since: Path | None, out: Path) -> None:
    """Average CHECKPOINTS."""
    models, pixels = zip(*(load_checkpoint(path, average=True) for path in checkpoints), strict=True)
    before = load_checkpoint(since, average=True)[1] if since else 0
    mean, seen = mean_of(models), before + sum(count - before for count in pixels)
    save_checkpoint(out, mean, {name: value.clone() for name, value in mean.state_dict().items()}, seen)
    click.echo(f"{out}: {len(models)} checkpoints, {seen} pixels")


if __name__ == "__main__":
    command()
