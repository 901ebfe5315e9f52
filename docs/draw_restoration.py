"""Draw the figures of denoising, inpainting, enlarging and colourising in `docs/pages/family/`.

The pictures come from `examples/`. Run ``python docs/draw_restoration.py FOLDER``.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from aez.benchmarks.codecs.base import UnavailableError
from aez.benchmarks.commands import run
from aez.benchmarks.family.denoising import with_noise
from aez.benchmarks.family.rivals import biharmonic, bm3d, non_local_means, resized
from aez.codec.family.restoration.colourise import colourise
from aez.codec.family.restoration.denoise import denoise
from aez.codec.family.restoration.enlarge import enlarge
from aez.codec.family.restoration.inpaint import inpaint
from aez.codec.picture.psnr import psnr_of as psnr

Samples = NDArray[np.uint8]
_LABEL, _GAP, _QUALITY = 22, 6, 88
Load = Callable[[str], Samples]


def strip(pictures: Mapping[str, Samples], columns: int) -> Image.Image:
    """Arrange pictures of the same size in rows, each with its name below."""
    height, width = next(iter(pictures.values())).shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + _GAP) - _GAP, rows * (height + _LABEL + _GAP) - _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (name, samples) in enumerate(pictures.items()):
        left, top = number % columns * (width + _GAP), number // columns * (height + _LABEL + _GAP)
        sheet.paste(Image.fromarray(samples).convert("RGB"), (left, top))
        draw.text((left + 2, top + height + 3), name, fill="black", font=font)
    return sheet


def denoising(load: Load) -> Image.Image:
    """Remove noise of σ = 25 by three methods."""
    clean = load("chelsea")[40:264, 90:314]
    noisy = with_noise(clean, 25, 0)
    ways = {"noise of 25 levels": noisy, "non-local means": non_local_means(noisy, 25)}
    try:
        ways["BM3D"] = bm3d(noisy, 25)
    except UnavailableError as error:
        click.echo(f"left out: {error}", err=True)
    ways["aez denoise"] = denoise(noisy, 25)
    return strip({f"{name}, {psnr(clean, way):.1f} dB": way for name, way in ways.items()}, 4)


def inpainting(load: Load) -> Image.Image:
    """Fill the pixels under a text across a picture, and missing blocks."""
    clean = load("astronaut")[20:244, 110:334]
    page = Image.new("L", (224, 224), 0)
    font = ImageFont.load_default(20)
    for line in range(12):
        ImageDraw.Draw(page).text((2 - 9 * line % 40, 20 * line), "a picture under a text " * 2, fill=255, font=font)
    text = np.asarray(page) > 100
    missing = np.random.default_rng(1).random((14, 14)) < 0.12
    blocks = missing.repeat(16, 0).repeat(16, 1)
    ways: dict[str, Samples] = {}
    for mask in (text, blocks):
        damaged = np.where(mask[:, :, None], np.uint8(255), clean)
        ways["damaged" + " " * len(ways)] = damaged
        for name, made in (("biharmonic", biharmonic(damaged, mask)), ("aez inpaint", inpaint(damaged, mask))):
            ways[f"{name}, {psnr(clean[mask], made[mask]):.1f} dB in the holes"] = made
    return strip(ways, 3)


def enlarging(load: Load) -> Image.Image:
    """Enlarge a reduced picture by a factor of two."""
    clean = load("chelsea")[60:284, 60:284]
    small = resized(clean, 112, 112)
    near = resized(small, 224, 224, Image.Resampling.NEAREST)
    ways = {"bicubic": resized(small, 224, 224), "aez enlarge": enlarge(small)}
    named = {f"{name}, {psnr(clean, way):.1f} dB": way for name, way in ways.items()}
    return strip({"given, each pixel four": near, **named, "true": clean}, 4)


def colours(load: Load) -> Image.Image:
    """Colourise two pictures at the default saturation and at a higher one."""
    ways: dict[str, Samples] = {}
    for name in ("astronaut", "chelsea"):
        true = load(name)
        side = min(true.shape[:2])
        grey = np.asarray(Image.fromarray(true).convert("L"))
        kinds = {
            "given": np.dstack([grey] * 3),
            "aez colourise": colourise(grey),
            "--saturation 3": colourise(grey, saturation=3),
            "true": true,
        }
        top, left = ((length - side) // 2 for length in true.shape[:2])
        for label, samples in kinds.items():
            square = np.ascontiguousarray(samples[top : top + side, left : left + side])
            ways[label + " " * len(ways)] = resized(square, 224, 224)
    return strip(ways, 4)


FIGURES = {"denoising": denoising, "inpainting": inpainting, "enlarging": enlarging, "colours": colours}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--what", default=",".join(FIGURES), show_default=True)
@click.option(
    "--examples",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("examples"),
    show_default=True,
)
def command(folder: Path, what: str, examples: Path) -> None:
    """Draw figures into FOLDER."""

    def load(name: str) -> Samples:
        with Image.open(examples / f"{name}.png") as image:
            return np.array(image.convert("RGB"))

    for name in what.split(","):
        if name not in FIGURES:
            raise click.UsageError(f"--what takes {', '.join(FIGURES)}")
        FIGURES[name](load).save(folder / f"{name}.webp", quality=_QUALITY, method=6)


if __name__ == "__main__":
    run(command)
