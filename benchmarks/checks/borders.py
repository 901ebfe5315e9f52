"""Errors at borders: the last blocks of a picture against the same pixels inside a larger picture.

Pictures of every side are encoded and decoded; each is the corner of one picture of 256×256 pixels, which is measured
too. The error that the last row and column of 16×16 blocks have beyond the large picture's at the same place is due
to the border. Contents: a flat colour, a sky (a gradient), and a photograph (a given file).

    python -m aez.benchmarks.checks.borders PHOTO [--first 1] [--last 130] [--step 1] [-q 20 -q 50 -q 90] [--grey]
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from aez.benchmarks.commands import model_option, quality_option, run, table
from aez.benchmarks.pictures import Samples, read_rgb
from aez.bitstream.errors import ImageError
from aez.bitstream.header import LATENT_STRIDE
from aez.codec.codec import Codec

SIDE = 256
RATIO, EXTRA = 1.5, 2.0
"""Tolerance: a border block's error may be ``RATIO`` times the error inside plus ``EXTRA`` levels."""
OTHER_SIDES = (33, 64, 80)
"""Widths of the pictures of every height."""


def flat(height: int, width: int) -> Samples:
    """Return one colour, (height, width, 3)."""
    return np.broadcast_to(np.array([200, 180, 90], np.uint8), (height, width, 3)).copy()


def sky(height: int, width: int) -> Samples:
    """Return a blue that grows lighter downwards and to the right, (height, width, 3)."""
    row, col = np.mgrid[:height, :width].astype(float)[..., None] / SIDE
    levels = np.array([60, 120, 220]) + row * np.array([130, 100, 30]) + 10 * col
    samples: Samples = np.clip(levels, 0, 255).round().astype(np.uint8)
    return samples


@dataclass(frozen=True)
class Border:
    """Errors of one picture: root mean squares of 16×16 blocks in levels.

    Attributes:
        here: largest error of the border blocks.
        inside: largest error of the same pixels inside the larger picture.
    """

    here: float
    inside: float

    @property
    def excess(self) -> float:
        """Error beyond the tolerance; at most 0 if within."""
        return self.here - (RATIO * self.inside + EXTRA)


def squared_error(codec: Codec, picture: Samples, quality: float, effort: int) -> NDArray[np.float64]:
    """Encode and decode a picture, and return the squared error of every pixel, (H, W), the mean of its samples."""
    picture = np.ascontiguousarray(picture)
    decoded = codec.decode_array(codec.encode(picture, quality, effort=effort))
    error: NDArray[np.float64] = np.square(decoded.astype(float) - picture).reshape(*picture.shape[:2], -1).mean(2)
    return error


def border(own: NDArray[np.float64], larger: NDArray[np.float64]) -> Border:
    """Compare the :func:`squared_error` of a picture with that of a larger one, whose top left corner it is."""
    blocks = list(_border_blocks(*own.shape))
    here, inside = (
        max(float(np.sqrt(error[block].mean())) for block in blocks)
        for error in (own, larger[: own.shape[0], : own.shape[1]])
    )
    return Border(here, inside)


def _border_blocks(height: int, width: int) -> Iterable[tuple[slice, slice]]:
    """Yield the last row and the last column of 16×16 blocks."""
    bottom, right = ((side - 1) // LATENT_STRIDE * LATENT_STRIDE for side in (height, width))
    for top in range(0, height, LATENT_STRIDE):
        for left in range(0, width, LATENT_STRIDE):
            if top == bottom or left == right:
                yield slice(top, top + LATENT_STRIDE), slice(left, left + LATENT_STRIDE)


CONTENTS: dict[str, Callable[[int, int], Samples]] = {"flat": flat, "sky": sky}


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option("--first", type=click.IntRange(min=1), default=1, show_default=True, help="Shortest side.")
@click.option("--last", type=click.IntRange(min=1, max=SIDE - 64), default=130, show_default=True, help="Longest side.")
@click.option("--step", type=click.IntRange(min=1), default=1, show_default=True, help="From one side to the next.")
@click.option("--grey", is_flag=True, help="Measure grey pictures.")
@quality_option(20, 50, 90)
@model_option
def command(
    photo: Path, first: int, last: int, step: int, grey: bool, qualities: tuple[float, ...], model: str
) -> None:
    """Compare border blocks of pictures of all sides with the same pixels inside a larger picture."""
    whole = np.asarray(read_rgb(photo))
    if min(whole.shape[:2]) < SIDE:
        raise ImageError(f"{photo}: a side of {SIDE} pixels is needed")
    codec = Codec(model)
    rows = []
    for name in (*CONTENTS, "photograph"):
        larger = CONTENTS[name](SIDE, SIDE) if name in CONTENTS else whole[:SIDE, :SIDE]
        larger = larger[..., 1] if grey else larger
        for quality in qualities:
            for effort in (0, 2):
                whole_error = squared_error(codec, larger, quality, effort)
                found = [
                    (side, border(squared_error(codec, larger[:side, :other], quality, effort), whole_error))
                    for side in range(first, last + 1, step)
                    for other in OTHER_SIDES
                ]
                here = np.sqrt(np.mean([np.square(b.here) for _, b in found]))
                inside = np.sqrt(np.mean([np.square(b.inside) for _, b in found]))
                side, worst = max(found, key=lambda pair: pair[1].excess)
                count = sum(b.excess > 0 for _, b in found)
                rows.append(
                    (
                        name,
                        f"{quality:g}",
                        f"{effort}",
                        f"{here:.2f}",
                        f"{inside:.2f}",
                        f"{worst.here:.2f} / {worst.inside:.2f} at {side}",
                        f"{count} of {len(found)}",
                    )
                )
    click.echo(table(("content", "quality", "effort", "border", "inside", "worst", "above"), rows))


if __name__ == "__main__":
    run(command)
