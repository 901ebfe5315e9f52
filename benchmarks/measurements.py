"""Sizes and distortions of many pictures at many qualities, and what follows from them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image

from aez.benchmarks.classic import ClassicCodec, decode
from aez.benchmarks.curves import Curve, Point
from aez.benchmarks.pictures import psnr, samples_of


@dataclass(frozen=True)
class Measurement:
    """One picture at one quality: the file's bytes, its bits a pixel, and PSNR in dB over RGB."""

    quality: float
    bytes: int
    bpp: float
    psnr: float


Measurements = dict[str, list[Measurement]]
"""By picture name; each list has the same qualities, rising."""


def compare(quality: float, size: int, original: Image.Image, decoded: Image.Image) -> Measurement:
    """Measure one decoded picture; ``size`` is that of its file in bytes.

    Raises:
        ValueError: the pictures are of different sizes.
    """
    bpp = 8 * size / (original.width * original.height)
    return Measurement(quality, size, bpp, psnr(samples_of(original), samples_of(decoded)))


def measure_classic(codec: ClassicCodec, originals: Iterable[tuple[str, Image.Image]]) -> Measurements:
    """Code named pictures at all of a codec's qualities, in memory."""
    return {
        name: [
            compare(quality, len(data), original, decode(data))
            for quality in codec.qualities
            for data in [codec.encode(original, quality)]
        ]
        for name, original in originals
    }


def means(measurements: Measurements) -> list[tuple[float, Point]]:
    """Quality, and the means of bpp and of PSNR over the pictures."""
    count = len(measurements)
    return [
        (rows[0].quality, Point(sum(row.bpp for row in rows) / count, sum(row.psnr for row in rows) / count))
        for rows in zip(*measurements.values(), strict=True)
    ]


def mean_curve(measurements: Measurements) -> Curve:
    """The curve of the means over the pictures."""
    return [point for _, point in means(measurements)]


def violations(measurements: Mapping[str, Sequence[Measurement]]) -> Iterator[str]:
    """A line for every picture and step of quality at which the size or the PSNR does not rise."""
    for name, rows in measurements.items():
        for low, high in pairwise(rows):
            step = f"{Path(name).name}: from quality {low.quality:g} to {high.quality:g}"
            if high.bytes <= low.bytes:
                yield f"{step} the size does not rise ({low.bytes} to {high.bytes} bytes)"
            if high.psnr <= low.psnr:
                yield f"{step} PSNR does not rise ({low.psnr:.4f} to {high.psnr:.4f} dB)"
