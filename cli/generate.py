"""`aez generate`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aez.bitstream.errors import AezError
from aez.cli.shared.options.common import device_option
from aez.cli.shared.options.types import Number
from aez.codec.family.ranges import DRAWN_QUALITY
from aez.codec.model.quality import QUALITY_MAX, QUALITY_MIN
from aez.codec.model.registry import PSNR_MODEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_COUNT = 10_000


class _Shape(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A width and height in the form ``256x192``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Convert text to a pair."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", str(value))
        if not found or "0" in (found[1], found[2]):
            self.fail(f"{value!r} is not WIDTHxHEIGHT in pixels", param, ctx)
        return int(found[1]), int(found[2])


@click.command()
@click.option(
    "-n", "--count", type=click.IntRange(1, MAX_COUNT), default=16, show_default=True, help="Number of pictures."
)
@click.option("--size", type=_Shape(), metavar="WxH", help="Size in pixels.  [default: 256x256; 64x64 for vae]")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed; the same seed gives the same pictures.",
)
@click.option(
    "--model",
    default=PSNR_MODEL,
    show_default=True,
    metavar="NAME|PATH",
    help="Model of the codec, whose entropy model is sampled, or vae.",
)
@click.option(
    "-q",
    "--quality",
    type=Number(QUALITY_MIN, QUALITY_MAX),
    help="Quality that the codec samples at, and of .aez files.  [default: 20]",
)
@click.option(
    "--temperature",
    type=Number(0, 1),
    default=1.0,
    show_default=True,
    help="Factor of the codec's standard deviations: lower is smoother.",
)
@click.option("--independent", is_flag=True, help="Ignore the correlation of neighbouring symbols.")
@click.option(
    "-f",
    "--format",
    "kind",
    default="png",
    show_default=True,
    metavar="SUFFIX",
    help="aez, or a suffix that Pillow can write.",
)
@click.option("--grid", is_flag=True, help="Also write one picture that shows all side by side.")
@click.option(
    "-o", "--output", "out", required=True, type=click.Path(path_type=Path), help="Output folder; created if missing."
)
@device_option
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
def command(
    count: int,
    size: tuple[int, int] | None,
    seed: int,
    model: str,
    quality: float | None,
    temperature: float,
    independent: bool,
    kind: str,
    grid: bool,
    out: Path,
    device: str,
    overwrite: bool,
) -> None:
    """Sample pictures from the distribution that a model has learned.

    The codec's entropy model knows brightness and texture of regions, but no objects: its samples are not scenes. Files
    are named after model, seed and number.
    """
    from aez.cli.shared import storage
    from aez.cli.shared.console import say
    from aez.cli.shared.picture_files import any_bytes, check_kind

    suffix = "." + kind.lower().removeprefix(".")
    check_kind(f"output{suffix}")
    stem, width = f"{Path(model).stem}-{seed}", len(str(count - 1))
    targets = [out / f"{stem}-{number:0{width}}{suffix}" for number in range(count)]
    sheet = [out / f"{stem}-grid.png"] if grid else []
    for target in (*targets, *sheet):
        if os.path.lexists(target) and not overwrite:
            raise AezError(f"{target}: exists already (--overwrite replaces it)")
    if model == "vae":
        if size not in (None, (64, 64)):
            raise click.UsageError("the model vae draws pictures of 64x64 pixels")
        pictures = _of_vae(count, seed, device)
    else:
        pictures = _of_codec(count, size or (256, 256), seed, model, quality, temperature, independent, device)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AezError(f"{out}: cannot be made a folder ({error.strerror})") from None
    from aez.codec.picture.picture import Picture

    kept = []
    for target, (samples, data) in zip(targets, pictures, strict=True):
        made: bytes | memoryview = data or b""
        if suffix != ".aez" or data is None:
            made, _ = any_bytes(Picture(samples), str(target), DRAWN_QUALITY if quality is None else quality)
        storage.write_bytes(str(target), made, replace=overwrite)
        say(f"{target}: {samples.shape[1]}×{samples.shape[0]}, {len(made)} bytes")
        if grid:
            kept.append(samples)
    for target in sheet:
        made, _ = any_bytes(Picture(_grid(kept)), str(target), DRAWN_QUALITY)
        storage.write_bytes(str(target), made, replace=overwrite)
        say(f"{target}: {len(kept)} pictures")


_Drawn = Iterator[tuple["NDArray[np.uint8]", bytes | None]]
"""Samples, and the `.aez` file that holds them."""


def _of_codec(
    count: int,
    size: tuple[int, int],
    seed: int,
    model: str,
    quality: float | None,
    temperature: float,
    independent: bool,
    device: str,
) -> _Drawn:
    from aez.codec.api import load
    from aez.codec.codec import hyperprior
    from aez.codec.family.generation.sampling import MAX_SAMPLED_PIXELS, Draws, Recipe, sampled_file

    if size[0] * size[1] > MAX_SAMPLED_PIXELS:
        raise AezError(f"--size {size[0]}x{size[1]}: at most {MAX_SAMPLED_PIXELS} pixels")
    codec = hyperprior(load(model, device))
    recipe = Recipe(
        codec.quality_scale.position_of(DRAWN_QUALITY if quality is None else quality), temperature, independent
    )
    files = (sampled_file(codec, *size, Draws(seed, number), recipe) for number in range(count))
    return ((codec.decode_array(data), data) for data in files)


def _of_vae(count: int, seed: int, device: str) -> _Drawn:
    from aez.codec.family.members import load_family
    from aez.codec.runtime.torch.device import choose_device

    pictures = load_family("vae", str(choose_device(device))).sample(count, seed)  # type: ignore[operator]
    levels = pictures.detach().cpu().clamp(-0.5, 0.5).mul(255).add(127.5).round().byte()
    return ((one.permute(1, 2, 0).contiguous().numpy(), None) for one in levels)


def _grid(pictures: "list[NDArray[np.uint8]]") -> "NDArray[np.uint8]":
    """Arrange pictures of one size in rows, two pixels apart."""
    import math

    import numpy as np

    across = math.ceil(math.sqrt(len(pictures)))
    height, width = pictures[0].shape[:2]
    down = -(-len(pictures) // across)
    sheet = np.full((down * (height + 2) - 2, across * (width + 2) - 2, 3), 255, np.uint8)
    for number, one in enumerate(pictures):
        top, left = number // across * (height + 2), number % across * (width + 2)
        sheet[top : top + height, left : left + width] = one
    return sheet
