"""Inpainting, enlarging and colourising against simple methods, on the middles of pictures.

Holes: PSNR over the missing pixels only, against scikit-image's biharmonic inpainting. Enlarging by two: PSNR against
the picture whose bicubic reduction was enlarged, against Pillow's bicubic and Lanczos filters. Colours: PSNR of Cb and
Cr and the mean CIEDE2000 difference, against leaving the picture grey and against one tint, the mean of photographs.

    python -m aez.benchmarks.family.restoration FOLDER [--crop 256] [--first N] [--what inpaint,enlarge,colourise]
"""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.codecs.base import UnavailableError
from aez.benchmarks.commands import run, table
from aez.benchmarks.family.denoising import pictures
from aez.benchmarks.family.rivals import biharmonic, resized
from aez.benchmarks.pictures import Samples
from aez.codec.family.colouriser import chroma, to_rgb
from aez.codec.family.restoration.colourise import colourise
from aez.codec.family.restoration.enlarge import enlarge
from aez.codec.family.restoration.inpaint import inpaint
from aez.codec.family.restoration.pixels import to_samples, to_tensor
from aez.codec.picture.psnr import psnr_of as psnr

TINT = (-0.0202, 0.0129)
"""Mean Cb and Cr of photographs: what a guess must beat that looks at the picture."""
Mask = NDArray[np.bool_]


def masks(height: int, width: int) -> dict[str, Mask]:
    """Return masks of several kinds of damage, the same for every picture of a size."""
    rows, cols = np.indices((height, width))
    draw = np.random.default_rng(0)
    blocks = draw.random((-(-height // 16), -(-width // 16))) < 0.1
    hole = (np.abs(rows - height // 2) < 24) & (np.abs(cols - width // 2) < 24)
    return {
        "scratches, 3 to 4 px": ((rows + cols) % 37 < 3) | ((2 * rows - cols) % 53 < 8),
        "half of the pixels": draw.random((height, width)) < 0.5,
        "a tenth of the 16×16 blocks": blocks.repeat(16, 0).repeat(16, 1)[:height, :width],
        "one hole of 47×47": hole,
    }


def inpainting(found: dict[str, Samples]) -> None:
    """Print PSNR in the holes."""
    rows = []
    values: dict[str, list[tuple[float, ...]]] = {}
    for samples in found.values():
        for name, mask in masks(*samples.shape[:2]).items():
            damaged = np.where(mask[:, :, None], np.uint8(255), samples)
            ways = biharmonic(damaged, mask), inpaint(damaged, mask, steps=0), inpaint(damaged, mask)
            values.setdefault(name, []).append(tuple(psnr(samples[mask], way[mask]) for way in ways))
    for name, results in values.items():
        theirs, start, ours = np.mean(results, 0)
        better = sum(row[2] > row[0] for row in results)
        rows.append((name, f"{theirs:.2f}", f"{start:.2f}", f"{ours:.2f}", f"{better} of {len(results)}"))
    click.echo(table(("missing", "biharmonic", "aez, 0 steps", "aez", "better"), rows))


def enlarging(found: dict[str, Samples]) -> None:
    """Print PSNR of enlarged pictures, from reductions by two filters."""
    rows = []
    for label, kind in (("bicubic", Image.Resampling.BICUBIC), ("box", Image.Resampling.BOX)):
        results = []
        for samples in found.values():
            height, width = (side // 2 * 2 for side in samples.shape[:2])
            true = samples[:height, :width]
            small = resized(true, width // 2, height // 2, kind)
            ways = (
                resized(small, width, height),
                resized(small, width, height, Image.Resampling.LANCZOS),
                enlarge(small),
            )
            results.append([psnr(true, way) for way in ways])
        means = np.mean(results, 0)
        better = sum(row[2] > max(row[:2]) for row in results)
        rows.append((label, *(f"{mean:.2f}" for mean in means), f"{better} of {len(results)}"))
    click.echo(table(("reduced by", "bicubic", "Lanczos", "aez", "better"), rows))


def colouring(found: dict[str, Samples]) -> None:
    """Print errors of chroma."""
    try:
        from skimage.color import deltaE_ciede2000, rgb2lab
    except ImportError:
        raise UnavailableError("CIEDE2000 needs scikit-image (pip install scikit-image)") from None
    rows = []
    results: dict[str, list[tuple[float, float]]] = {}
    for samples in found.values():
        grey = np.asarray(Image.fromarray(samples).convert("L"))
        lab, true = rgb2lab(samples), chroma(to_tensor(samples))[1]
        plain = np.dstack([grey] * 3)
        tinted = to_samples(to_rgb(chroma(to_tensor(grey))[0], torch.tensor(TINT).view(1, 2, 1, 1)), False)
        for name, made in (("grey", plain), ("one tint", tinted), ("aez", colourise(grey))):
            error = float((chroma(to_tensor(made))[1] - true).square().mean())
            difference = float(deltaE_ciede2000(lab, rgb2lab(made)).mean())  # type: ignore[no-untyped-call]
            results.setdefault(name, []).append((-10 * np.log10(max(error, 1e-9)), difference))
    for name, values in results.items():
        level, difference = np.mean(values, 0)
        better = [
            sum(ours[0] > theirs[0] for ours, theirs in zip(values, results[other], strict=True))
            for other in ("grey", "one tint")
        ]
        rows.append((name, f"{level:.2f}", f"{difference:.2f}", *(f"{count} of {len(values)}" for count in better)))
    click.echo(table(("", "PSNR of chroma, dB", "ΔE00", "better than grey", "than one tint"), rows))


PARTS: dict[str, Callable[[dict[str, Samples]], None]] = {
    "inpaint": inpainting,
    "enlarge": enlarging,
    "colourise": colouring,
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--first", type=click.IntRange(min=1), metavar="N", help="Only the first N pictures by name.")
@click.option("--crop", type=click.IntRange(min=64), default=256, show_default=True, help="Side of the middles.")
@click.option("--what", default=",".join(PARTS), show_default=True)
def command(folder: Path, first: int | None, crop: int, what: str) -> None:
    """Measure restoration on the pictures of FOLDER; colours are guessed of whole pictures."""
    for part in what.split(","):
        if part not in PARTS:
            raise click.UsageError(f"--what takes {', '.join(PARTS)}")
        found = pictures(folder, first, None if part == "colourise" else crop)
        click.echo(f"{part}: {len(found)} pictures")
        PARTS[part](found)
        click.echo()


if __name__ == "__main__":
    run(command)
