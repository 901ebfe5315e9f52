"""Comparison of two pictures, or of codecs on one picture at one file size."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aez.benchmarks.codecs.base import UnavailableError
from aez.benchmarks.codecs.matching import match_size
from aez.benchmarks.codecs.specs import CodecSpec, build
from aez.benchmarks.commands import table
from aez.benchmarks.metrics import DEFAULT_METRICS, UNITS, check_metric, compute, usable_metrics
from aez.benchmarks.pictures import read_rgb
from aez.bitstream.errors import AezError
from aez.codec.runtime.torch.device import choose_device

SCALE, BAR, GAP = 2, 28, 10


@dataclass(frozen=True)
class Shot:
    """A picture by one codec: file size, decoded picture, metrics."""

    codec: str
    quality: float
    size: int
    bpp: float
    decoded: Image.Image
    metrics: Mapping[str, float | None]


def metrics_for(names: Sequence[str], say: Callable[[str], None]) -> tuple[str, ...]:
    """Return the requested metrics, or the default ones that are installed.

    Raises:
        AezError: one that was asked for does not exist or is not installed.
    """
    for name in names:
        check_metric(name)
    return tuple(names) or usable_metrics(DEFAULT_METRICS, say)[0]


def two_pictures(original: Path, other: Path, metrics: Sequence[str], device: str) -> str:
    """Return a table of the metrics of a picture against its original.

    Raises:
        AezError: one cannot be read, or their sizes differ.
    """
    a, b = read_rgb(original), read_rgb(other)
    if a.size != b.size:
        raise AezError(f"{other}: {b.width}×{b.height} pixels, but {original} has {a.width}×{a.height}")
    values = compute(metrics, np.asarray(a), [np.asarray(b)], choose_device(device))[0]
    rows = [(UNITS.get(name, name), "too small" if value is None else f"{value:.4f}") for name, value in values.items()]
    return table((f"{other.name} against {original.name}", ""), rows)


def code_to_size(
    path: Path,
    specs: Sequence[CodecSpec],
    bpp: float,
    size: int | None,
    metrics: Sequence[str],
    device: str,
    say: Callable[[str], None],
) -> list[Shot]:
    """Encode a picture by every installed codec, each to its largest file of at most ``size`` bytes.

    Args:
        path: the picture.
        specs: codecs.
        bpp: size in bits per pixel if ``size`` is None.
        size: bytes.
        metrics: names.
        device: for networks and metrics.
        say: function that prints a line for every codec left out or too large.

    Raises:
        AezError: the picture cannot be read, or no codec managed it.
    """
    image = read_rgb(path)
    pixels = image.width * image.height
    target = size or max(1, int(bpp * pixels / 8))
    shots = []
    for spec in specs:
        try:
            adapter = build(spec, device)
            match = match_size(adapter, image, target)
            decoded = adapter.decode(match.data)
        except UnavailableError as error:
            say(f"{spec.name} is skipped: {error}")
            continue
        if not adapter.rated:
            say(adapter.note)
            continue
        if len(match.data) > target:
            say(f"{spec.name}: {len(match.data)} bytes is the smallest that it makes, more than {target}")
        values = compute(metrics, np.asarray(image), [np.asarray(decoded)], choose_device(device))[0]
        shots.append(Shot(spec.name, match.quality, len(match.data), 8 * len(match.data) / pixels, decoded, values))
    if not shots:
        raise AezError("none of the codecs is installed")
    return shots


def shots_table(shots: Sequence[Shot]) -> str:
    """Return a table with a line for each codec."""
    header = ("codec", "quality", "bytes", "bpp", *(UNITS.get(name, name) for name in shots[0].metrics))
    rows = [
        (
            shot.codec,
            f"{shot.quality:.4g}",
            str(shot.size),
            f"{shot.bpp:.4f}",
            *("–" if value is None else f"{value:.4f}" for value in shot.metrics.values()),
        )
        for shot in shots
    ]
    return table(header, rows)


def parse_crop(text: str) -> tuple[int, int, int]:
    """Parse ``X,Y,SIDE``.

    Raises:
        AezError: it is something else.
    """
    try:
        left, top, side = (int(part) for part in text.split(","))
    except ValueError:
        side = left = top = -1
    if side < 1 or left < 0 or top < 0:
        raise AezError(f"--crop {text}: not X,Y,SIDE in pixels")
    return left, top, side


def side_by_side(path: Path, shots: Sequence[Shot], crop: tuple[int, int, int] | None) -> bytes:
    """Draw the original and every shot side by side, enlarged and labelled, as a PNG file.

    Raises:
        AezError: the crop does not lie within the picture.
    """
    image = read_rgb(path)
    side = min(256, *image.size)
    left, top, side = crop or ((image.width - side) // 2, (image.height - side) // 2, side)
    if left + side > image.width or top + side > image.height:
        raise AezError(f"{path}: {image.width}×{image.height} pixels, the crop is not within")
    labelled = [(image, f"original, {path.stat().st_size} bytes")]
    for shot in shots:
        psnr = shot.metrics.get("psnr")
        labelled.append((shot.decoded, f"{shot.codec}, {shot.size} bytes" + (f", {psnr:.2f} dB" if psnr else "")))
    step = SCALE * side + GAP
    out = Image.new("RGB", (len(labelled) * step - GAP, SCALE * side + BAR), "white")
    draw, font = ImageDraw.Draw(out), ImageFont.load_default(16)
    for i, (picture, label) in enumerate(labelled):
        part = picture.crop((left, top, left + side, top + side))
        out.paste(part.resize((SCALE * side,) * 2, Image.Resampling.NEAREST), (i * step, BAR))
        draw.text((i * step + 4, 5), label, fill="black", font=font)
    buffer = io.BytesIO()
    out.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
