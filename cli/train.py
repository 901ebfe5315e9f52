"""`aez train`."""

from pathlib import Path

import click

from aez.bitstream.errors import AezError
from aez.cli.shared.options.types import Number

LAMBDA_NORMALISATION = 0.4
"""The default of :mod:`aez.codec.training.objective`, which takes seconds to import; a test compares them."""
SYMBOLS = ("noisy", "rounded", "chosen", "mixed")
"""Those of the same module, for the same reason."""


class _Depth(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """``stack=blocks`` as a field of the configuration and its value."""

    name = "depth"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Text to a pair."""
        stack, _, blocks = str(value).partition("=")
        if not blocks.isdecimal():
            self.fail(f"{value!r} is not of the form STACK=BLOCKS", param, ctx)
        return f"{stack}_depth", int(blocks)


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    default="photo",
    show_default=True,
    metavar="NAME",
    help="What to train: photo, the codec's own model, or a member of the autoencoder family, as sparse or vae.",
)
@click.option("--minutes", type=Number(min=0), required=True, help="Wall-clock time to train for.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Checkpoint to write (float32, live and averaged weights), every few minutes and at the end.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Checkpoint or weights file to go on from; without it a new model is started from DATA.",
)
@click.option(
    "--grow",
    type=_Depth(),
    multiple=True,
    metavar="STACK=BLOCKS",
    help="Deepen a stack of the resumed model by blocks that start as the identity, as synthesis16=3.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="PREFIX",
    help="Train nothing but parameters whose names start so, as analysis. or hyper_analysis.: a better encoder whose "
    "files the old decoder reads. May be repeated.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    help="At the end, write the averaged weights in runtime form, for --model.",
)
@click.option("--name", default="custom", show_default=True, help="Name of the exported model.")
@click.option(
    "--valid",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Pictures to evaluate the averaged weights on at the end.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.")
@click.option(
    "--batch", type=click.IntRange(min=1), help="Crops a step and process.  [default: 8, or the family member's own]"
)
@click.option(
    "--crop", type=click.IntRange(min=32), help="Crop side, a multiple of 64.  [default: 256, or the member's own]"
)
@click.option("--optimiser", type=click.Choice(["adamw", "soap"]), default="adamw", show_default=True)
@click.option(
    "--lr",
    type=Number(min=0, min_open=True),
    help="Learning rate.  [default: 0.0006, or the member's own]",
)
@click.option(
    "--decay-minutes",
    type=Number(min=0),
    default=0.0,
    show_default=True,
    help="Let the rate fall to zero over the last minutes, before weights are released.",
)
@click.option(
    "--average",
    type=Number(0, 1, max_open=True),
    default=0.998,
    show_default=True,
    help="Decay a step of the average of the weights.",
)
@click.option(
    "--distortion",
    type=click.Choice(["mse", "ms-ssim"]),
    default="mse",
    show_default=True,
    help="What the photo model minimises beside the rate: squared error, or 1 − MS-SSIM (crops of 192 or more).",
)
@click.option(
    "--normalisation",
    type=Number(0, 1),
    default=LAMBDA_NORMALISATION,
    show_default=True,
    help="Power of λ that divides a crop's loss: lower favours high qualities, higher low ones.",
)
@click.option(
    "--picture-filter",
    is_flag=True,
    help="Train and evaluate what comes out of the picture filter, found for every crop, instead of what goes in.",
)
@click.option(
    "--candidates",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Places looked at for each crop; the busiest is taken.",
)
@click.option(
    "--symbols",
    type=click.Choice(SYMBOLS),
    default="noisy",
    show_default=True,
    help="What the photo model's rate is of: values with noise or, for a last phase, rounded ones, those that rate–"
    "distortion-optimised quantisation chooses, or either for half of the crops.",
)
@click.option("--seed", type=int, default=0, show_default=True)
def command(
    data: tuple[Path, ...],
    model: str,
    minutes: float,
    out: Path,
    resume: Path | None,
    grow: tuple[tuple[str, int], ...],
    only: tuple[str, ...],
    export: Path | None,
    name: str,
    valid: tuple[Path, ...],
    device: str,
    threads: int | None,
    batch: int | None,
    crop: int | None,
    optimiser: str,
    lr: float | None,
    decay_minutes: float,
    average: float,
    distortion: str,
    normalisation: float,
    picture_filter: bool,
    candidates: int,
    symbols: str,
    seed: int,
) -> None:
    """Train a model on DATA: picture files, folders and tar shards.

    Stops when the time is up or on SIGTERM or Ctrl-C, with the checkpoint written. The rate is constant unless
    --decay-minutes is given, so a run can be cut and resumed anywhere. Under `torchrun` all processes share the work.
    """
    family = model != "photo"
    if crop and crop % 64 and not family:
        raise click.UsageError("--crop must be a multiple of 64")
    if distortion != "mse" and (family or (crop or 256) < 176):
        raise click.UsageError("--distortion ms-ssim is for the photo model and crops of 192 or more")
    if grow and (family or not resume):
        raise click.UsageError("--grow deepens the photo model of --resume")
    if family and (only or symbols != "noisy" or normalisation != LAMBDA_NORMALISATION or picture_filter):
        raise click.UsageError("--only, --symbols, --normalisation and --picture-filter are for the photo model")
    if family and valid:
        raise click.UsageError("--valid is for the photo model; the family's figures come from aez.benchmarks")
    try:
        from aez.codec.training.flagship import FlagshipSession
    except ImportError as error:
        raise AezError(f"training needs the extra `train` (pip install 'aez[train]'): {error}") from None
    from aez.codec.family.registry import family_class
    from aez.codec.training.family import FamilySession
    from aez.codec.training.loop import Schedule

    own = family_class(model) if family else None
    schedule = Schedule(
        minutes=minutes,
        decay_minutes=decay_minutes,
        optimiser=optimiser,
        learning_rate=lr or (own.LEARNING_RATE if own else 6e-4),
        batch=batch or (own.BATCH if own else 8),
        crop=crop or (own.CROP if own else 256),
        average=average,
        candidates=candidates,
        symbols=symbols,
        seed=seed,
    )
    options = {"resume": resume, "device": device, "threads": threads, "report": click.echo}
    if family:
        session = FamilySession(data, schedule, model=model, **options)
        session.train(out)
        if export:
            session.export(out, export)
        return
    flagship = FlagshipSession(
        data,
        schedule,
        grow=dict(grow),
        only=only,
        distortion=distortion,
        normalisation=normalisation,
        picture_filter=picture_filter,
        **options,
    )
    flagship.train(out)
    if valid:
        flagship.evaluate(out, valid)
    if export:
        flagship.export(out, export, name)
