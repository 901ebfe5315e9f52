"""Drawings, screens and pages: their files with and without a layer, beside lossless formats and AVIF of equal score.

    python -m aez.benchmarks.checks.graphics FOLDER [-q 30 -q 60 -q 80] [-o graphics.json]

`aez.benchmarks.non_photographs` and `aez.benchmarks.screens` draw such pictures. Scores are those of SSIMULACRA 2.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from aez.benchmarks.codecs.base import Adapter, UnavailableError
from aez.benchmarks.codecs.specs import build, parse_codec
from aez.benchmarks.commands import picture_options, quality_option, run, table
from aez.benchmarks.metrics import psnr
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.bitstream import read_container
from aez.codec import api
from aez.codec.model.quality import QUALITY_MAX, QUALITY_MIN
from aez.codec.picture.files import write_atomically
from aez.codec.picture.ssimulacra2 import ssimulacra2_of

AVIF, AVIF_QUALITIES = "avif-s6", (20, 35, 50, 65, 80, 90, 97)
LOSSLESS: dict[str, dict[str, Any]] = {
    "webp": {"format": "WEBP", "lossless": True, "method": 4, "quality": 100},
    "jxl": {"format": "JXL", "lossless": True, "effort": 7},
}
"""Formats without loss, and what Pillow needs to write them."""

File = dict[str, Any]


def measured(adapter: Adapter, image: Image.Image, quality: float) -> File:
    """Return the bytes of a file, and its PSNR (None without loss) and score."""
    data, original = adapter.encode(image, quality), np.asarray(image)
    decoded = np.asarray(adapter.decode(data))
    exact = np.array_equal(original, decoded)
    return {
        "bytes": len(data),
        "psnr": None if exact else round(psnr(original, decoded), 2),
        "score": round(ssimulacra2_of(original, decoded), 2),
        "layer": adapter.name.startswith("aez") and read_container(data).layer is not None,
    }


def saving(file: File, others: Sequence[File]) -> float | None:
    """Return the share of bytes that a file saves against another codec at its score, negative if it is larger.

    Args:
        file: the file.
        others: files of the other codec; its size is interpolated between the two nearest scores.

    Returns:
        None if none of them has a score as high, or as low.
    """
    scores, sizes = zip(*sorted((other["score"], other["bytes"]) for other in others), strict=True)
    if not scores[0] <= file["score"] <= scores[-1]:
        return None
    return 1 - int(file["bytes"]) / float(np.exp(np.interp(file["score"], scores, np.log(sizes))))


def lossless_bytes(image: Image.Image, name: str) -> int | None:
    """Return the size of a picture in one of the ``LOSSLESS`` formats; None if Pillow cannot write it here."""
    if name == "jxl":
        try:
            build(parse_codec("jxl"), "cpu")  # registers the plugin
        except UnavailableError:
            return None
    buffer = io.BytesIO()
    image.save(buffer, **LOSSLESS[name])
    return len(buffer.getvalue())


def compare(image: Image.Image, model: str, qualities: Sequence[float]) -> dict[str, Any]:
    """Return all files of a picture: ``auto`` and ``photo`` by quality, ``lossless``, those formats, and ``avif``."""
    files: dict[str, Any] = {}
    for content in ("auto", "photo"):
        adapter = build(parse_codec(f"aez:model={model}:content={content}"), "cpu")
        files[content] = {f"{quality:g}": measured(adapter, image, quality) for quality in qualities}
    files["lossless"] = len(api.encode(image, model=model, lossless=True))
    files |= {name: lossless_bytes(image, name) for name in LOSSLESS}
    try:
        avif = build(parse_codec(AVIF), "cpu")
        files["avif"] = [measured(avif, image, quality) for quality in AVIF_QUALITIES]
    except UnavailableError:
        files["avif"] = []
    return files


def cell(auto: File, photo: File) -> str:
    """Describe one quality: bytes / PSNR / score, and bytes and score without the layer if there is one."""
    level = "∞" if auto["psnr"] is None else f"{auto['psnr']:.1f}"
    text = f"{auto['bytes']:,} / {level} / {auto['score']:.0f}"
    return f"{text} (was {photo['bytes']:,} / {photo['score']:.0f})" if auto["layer"] else text


def row(name: str, files: dict[str, Any], at: str) -> tuple[str, ...]:
    """Describe a picture; AVIF is compared at the quality ``at``."""
    saved = saving(files["auto"][at], files["avif"]) if files["avif"] else None
    sizes = (files[key] for key in ("lossless", *LOSSLESS))
    return (
        name,
        *(cell(auto, files["photo"][quality]) for quality, auto in files["auto"].items()),
        *("–" if size is None else f"{size:,}" for size in sizes),
        "–" if saved is None else f"{-100 * saved:+.0f} %",
    )


@click.command()
@picture_options()
@click.option(
    "--against",
    type=click.FloatRange(QUALITY_MIN, QUALITY_MAX),
    default=60.0,
    show_default=True,
    help="Quality at which AVIF is compared.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write all numbers to this JSON file, too.")
@quality_option(30.0, 60.0, 80.0)
def command(
    folder: Path, first: int | None, model: str, against: float, output: Path | None, qualities: tuple[float, ...]
) -> None:
    """Print bytes / PSNR / score of each picture, without loss, and against AVIF of equal score."""
    qualities = tuple(sorted({*qualities, against}))
    found = {path.stem: compare(read_rgb(path), model, qualities) for path in list_pictures(folder, first)}
    heads = ("picture", *(f"{quality:g}" for quality in qualities), "lossless", "WebP", "JPEG XL", "AVIF")
    click.echo(table(heads, [row(name, files, f"{against:g}") for name, files in found.items()]))
    if output:
        write_atomically(output, json.dumps(found, indent=1).encode())


if __name__ == "__main__":
    run(command)
