"""The mean of the averaged weights of several checkpoints, as two processes leave them that went on from the same one.

python -m aez.codec.training.mean CHECKPOINTS... --since CHECKPOINT -o OUT
"""

from collections.abc import Sequence
from pathlib import Path

import click

from aez.bitstream.errors import ModelError
from aez.codec.networks import HyperpriorModel
from aez.codec.training.checkpoint import load_checkpoint, save_checkpoint


def mean_of(models: Sequence[HyperpriorModel]) -> HyperpriorModel:
    """A model whose every weight is the mean of theirs (Wortsman et al., ICML 2022), in the first one's memory.

    Raises:
        ModelError: they are not of one configuration.
    """
    if any(model.config != models[0].config for model in models):
        raise ModelError("the checkpoints are not of one configuration")
    states = [model.state_dict() for model in models]
    models[0].load_state_dict({name: sum(state[name] for state in states) / len(states) for name in states[0]})
    return models[0]


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--since", type=click.Path(path_type=Path), help="What all went on from: its pixels count once.")
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
