"""Pictures of 16 bits per sample: levels and PSNR beside AVIF of 10 bits and JPEG XL of 16, at equal sizes.

    python -m aez.benchmarks.deep PHOTO...
    python -m aez.benchmarks.deep --pq PHOTO...

The pictures are a smooth gradient; each photograph reduced to half its size in linear light, so that its samples have
16 bits; and the same photograph with brightened highlights, coded by the curve of PQ (SMPTE ST 2084) with white at 203
cd/m². PSNR is that of the 16-bit samples as coded. Other codecs are given the quality whose file is nearest in size.

With `--pq`, each photograph is coded by the curve of sRGB, and by that of PQ in as many bytes. Both are compared with
the original by the curve of sRGB.
"""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez import codec
from aez.benchmarks.commands import run
from aez.benchmarks.pictures import read_rgb
from aez.codec.codec import Codec
from aez.codec.picture.depth import to_8_bits, to_16_bits, widened
from aez.codec.picture.psnr import psnr_of
from aez.codec.picture.ssimulacra2 import ssimulacra2_of

QUALITIES = 50, 70, 90
Deep = NDArray[np.uint16]
Linear = NDArray[np.float64]
Coded = tuple[int, Deep]
"""Size of a file in bytes, and the picture that it decodes to."""
SIZE = 480, 720
HIGHLIGHTS = 9.0
"""Gain of the brightest pixels of a photograph that becomes PQ, less 1."""
WHITE, PEAK = 203.0, 10000.0
"""Luminance of a photograph's white and of PQ's largest sample, in cd/m²."""


def gradient() -> Deep:
    """Draw a sky: thousands of levels, with steps that are small beside those of 8 bits."""
    down, across = (axis / side for axis, side in zip(np.mgrid[: SIZE[0], : SIZE[1]], SIZE, strict=True))
    sun = 0.02 * np.exp(-20 * ((across - 0.3) ** 2 + (down - 0.2) ** 2))
    planes = 0.18 + 0.25 * down + 0.03 * across, 0.35 + 0.25 * down + 0.02 * across, 0.62 + 0.2 * down - 0.05 * across
    return _samples(np.stack([plane + sun for plane in planes], 2))


def reduced(path: Path) -> Linear:
    """Read a photograph and average squares of 2×2 pixels in linear light, 0 … 1."""
    samples = np.asarray(read_rgb(path)) / 255.0
    light = np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)
    rows, cols = (side // 2 for side in light.shape[:2])
    return cast(Linear, light[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2, 3).mean((1, 3)))


def as_srgb(light: Linear) -> Deep:
    """Apply the curve of sRGB."""
    return _samples(np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055))


def as_pq(light: Linear) -> Deep:
    """Apply the curve of PQ."""
    power = np.power(light * WHITE / PEAK, 2610 / 16384)
    return _samples(((3424 + 2413 * 32 * power) / (4096 + 2392 * 32 * power)) ** (2523 / 32))


def from_pq(samples: Deep) -> Linear:
    """Undo :func:`as_pq`; what is brighter than white becomes white."""
    power = np.power(samples / 65535.0, 32 / 2523)
    share = np.maximum(4096 * power - 3424, 0) / (2413 * 32 - 2392 * 32 * power)
    return cast(Linear, np.clip(np.power(share, 16384 / 2610) * PEAK / WHITE, 0, 1))


def brightened(light: Linear) -> Linear:
    """Brighten the highlights beyond white."""
    return cast(Linear, light * (1 + HIGHLIGHTS * light.mean(2, keepdims=True) ** 2))


def _samples(values: Linear) -> Deep:
    return np.asarray(np.round(np.clip(values, 0, 1) * 65535), np.uint16)


def avif(picture: Deep, quality: int) -> Coded:
    """Encode 4:4:4 AVIF of 10 bits."""
    import pyvips

    image = pyvips.Image.new_from_array(picture).copy(interpretation="rgb16")
    data: bytes = image.heifsave_buffer(compression="av1", bitdepth=10, Q=quality, effort=4, subsample_mode="off")
    back = np.asarray(pyvips.Image.new_from_buffer(data, "").numpy())
    # libvips shifts samples to the upper bits.
    return len(data), np.asarray(widened(np.asarray(back // 64, np.uint16), 10), np.uint16)


def jpeg_xl(picture: Deep, quality: int) -> Coded:
    """Encode grey JPEG XL of 16 bits, the only deep one that Pillow's plugin writes."""
    import pillow_jxl  # noqa: F401  # registers the format

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JXL", quality=quality)
    return len(buffer.getvalue()), np.asarray(Image.open(buffer), np.uint16)


def nearest(encode: Callable[[int], Coded], size: int) -> Coded:
    """Return the file nearest to a size of those of qualities 1 … 99; 100 is lossless in some codecs."""
    low, high, found = 1, 99, list[Coded]()
    while low <= high:
        middle = (low + high) // 2
        found.append(encode(middle))
        low, high = (middle + 1, high) if found[-1][0] < size else (low, middle - 1)
    return min(found, key=lambda one: abs(math.log(one[0] / size)))


def rows(name: str, picture: Deep, model: Codec, other: Callable[[Deep, int], Coded], other_name: str) -> None:
    """Print the rows of one picture."""
    pixels = picture.shape[0] * picture.shape[1]

    def cells(coded: Coded) -> str:
        levels = len(np.unique(coded[1].reshape(pixels, -1)[:, -1]))
        return f"{8 * coded[0] / pixels:.3f} | {psnr_of(picture, coded[1]):.2f} | {levels}"

    for quality in QUALITIES:
        deep, flat = model.encode(picture, quality), model.encode(to_8_bits(picture), quality)
        back = np.asarray(model.decode_array(deep), np.uint16)
        rounded = to_16_bits(model.decode_array(flat))
        peer = nearest(lambda q: other(picture, q), len(deep))
        ours = f"{model.name} q{quality} | {cells((len(deep), back))}"
        click.echo(f"| {name} | {ours} | {psnr_of(picture, rounded):.2f} | {other_name} | {cells(peer)} |")


def pq_rows(name: str, light: Linear, model: Codec) -> None:
    """Print the rows of one photograph by two curves."""
    plain, curved, pixels = as_srgb(light), as_pq(light), light.shape[0] * light.shape[1]

    def coded(quality: int) -> Coded:
        data = model.encode(curved, quality)
        return len(data), np.asarray(model.decode_array(data), np.uint16)

    for quality in QUALITIES:
        data = model.encode(plain, quality)
        size, back = nearest(coded, len(data))
        shown = np.asarray(model.decode_array(data), np.uint16), as_srgb(from_pq(back))
        scores = [f"{ssimulacra2_of(plain, one):.1f} | {psnr_of(plain, one):.2f}" for one in shown]
        sizes = [f"{8 * length / pixels:.3f}" for length in (len(data), size)]
        click.echo(f"| {name} | {model.name} q{quality} | {sizes[0]} | {scores[0]} | {sizes[1]} | {scores[1]} |")


@click.command()
@click.argument("photos", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--model", "models", multiple=True, default=("photo", "photo-psnr"), help="Models to measure.")
@click.option("--pq", is_flag=True, help="Compare the curves of sRGB and PQ.")
def command(photos: tuple[Path, ...], models: tuple[str, ...], pq: bool) -> None:
    """Print a table of deep pictures in Markdown."""
    if pq:
        click.echo(
            "| picture | aez | sRGB: bpp | score | PSNR | PQ: bpp | score | PSNR |\n|---|---|---|---|---|---|---|---|"
        )
        for model in models:
            for path in photos:
                loaded: Any = codec.load(model, "cpu")
                pq_rows(path.stem, reduced(path), loaded)
        return
    click.echo("| picture | aez | bpp | PSNR | levels | PSNR through 8 bits | at the same size | bpp | PSNR | levels |")
    click.echo("|---|---|---|---|---|---|---|---|---|---|")
    pictures: dict[str, Deep] = {"gradient": gradient()}
    for path in photos:
        light = reduced(path)
        pictures |= {path.stem: as_srgb(light), f"{path.stem}, PQ": as_pq(brightened(light))}
    for model in models:
        ours: Any = codec.load(model, "cpu")
        for name, picture in pictures.items():
            rows(name, picture, ours, avif, "AVIF 10 bits")
            if not name.endswith("PQ"):
                rows(f"{name}, grey", np.ascontiguousarray(picture[..., 1]), ours, jpeg_xl, "JPEG XL 16 bits")


if __name__ == "__main__":
    run(command)
