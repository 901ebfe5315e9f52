"""Seams: differences between decodes in windows and in one piece, on photographs and on a gradient.

Each file is decoded in one window, then in windows of 256, 512 and 1024 pixels a side. Differences within 8 pixels of a
window's border are listed apart from the rest; seams make the former larger. With ``--out`` a picture of the
differences, 64 times as strong, is written for every file whose decodes differ.

    python -m aez.benchmarks.checks.seams FOLDER [--first N] [-q 5 -q 50 -q 100] [--out FOLDER]
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.commands import picture_options, quality_option, run, table
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.bitstream.errors import AezError
from aez.bitstream.header import HYPER_STRIDE
from aez.codec.codec import Codec
from aez.codec.geometry.windows import cell_windows
from aez.codec.picture.psnr import psnr_of

WINDOW_CELLS = (4, 8, 16)
NEAR = 8
EXAGGERATION = 64
LEAST_SHARE, LEAST_PSNR = 0.999, 55.0


@contextmanager
def windows_of(cells: int | None) -> Iterator[None]:
    """Decode in windows of ``cells`` cells a side within the context; in one window for None."""
    whole, side = (2**31, 1) if cells is None else (0, cells)
    windows = functools.partial(cell_windows, height=side, size=side * side, whole=whole)
    with patch("aez.codec.decoding.decoder.cell_windows", lambda area, **_: windows(area)):
        yield


def gradient(height: int = 1100, width: int = 1500) -> NDArray[np.uint8]:
    """Return a slow diagonal gradient, (height, width, 3), on which any step is visible."""
    row, col = np.mgrid[:height, :width]
    ramp = 96 + 64 * (row / height + col / width) / 2
    samples: NDArray[np.uint8] = np.round(np.stack([ramp, ramp + 10, ramp - 20], 2)).astype(np.uint8)
    return samples


def near_borders(height: int, width: int, cells: int) -> NDArray[np.bool_]:
    """Mark pixels within ``NEAR`` pixels of a border between two windows, (height, width)."""
    side = cells * HYPER_STRIDE

    def near(length: int) -> NDArray[np.bool_]:
        place = np.arange(length)
        distance = np.minimum(place % side, side - place % side)
        inner = (place > side // 2) & (place < (length - 1) // side * side + side // 2)
        close: NDArray[np.bool_] = (distance < NEAR) & inner
        return close

    out: NDArray[np.bool_] = near(height)[:, None] | near(width)[None]
    return out


def compare(whole: NDArray[np.uint8], pieces: NDArray[np.uint8], cells: int) -> tuple[int, float, float, float, float]:
    """Return largest |Δ|, share with |Δ| ≤ 1, PSNR, and shares of samples that differ near borders and elsewhere."""
    delta = np.abs(whole.astype(np.int16) - pieces)
    near = near_borders(whole.shape[0], whole.shape[1], cells)
    other = delta[~near]
    beside = float((delta[near] > 0).mean()) if near.any() else 0.0
    return (
        int(delta.max()),
        float((delta <= 1).mean()),
        psnr_of(whole, pieces),
        beside,
        float((other > 0).mean()) if other.size else 0.0,
    )


@click.command()
@picture_options(first=4)
@quality_option(5, 50, 100)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for pictures of the differences.")
def command(folder: Path, first: int | None, model: str, qualities: tuple[float, ...], out: Path | None) -> None:
    """Compare decodes in windows and whole of the pictures in FOLDER and of a gradient."""
    codec = Codec(model, "cpu")
    pictures = {path.stem: np.asarray(read_rgb(path)) for path in list_pictures(folder, first)}
    pictures["flat gradient"] = gradient()
    if out:
        out.mkdir(parents=True, exist_ok=True)
    rows, beyond = [], 0
    for name, samples in pictures.items():
        for quality in qualities:
            data = codec.encode(samples, quality)
            with windows_of(None):
                whole = codec.decode_array(data)
            for cells in WINDOW_CELLS:
                with windows_of(cells):
                    pieces = codec.decode_array(data)
                largest, share, ratio, beside, elsewhere = compare(whole, pieces, cells)
                beyond += share < LEAST_SHARE or ratio < LEAST_PSNR
                shares = f"{100 * beside:.4f} %", f"{100 * elsewhere:.4f} %"
                label = f"{name} q {quality:g}, windows of {cells * HYPER_STRIDE}"
                rows.append((label, str(largest), f"{100 * share:.4f} %", f"{ratio:.1f}", *shares))
                if out and largest:
                    shown = 128 + EXAGGERATION * (pieces.astype(np.int16) - whole)
                    picture = Image.fromarray(np.clip(shown, 0, 255).astype(np.uint8))
                    picture.save(out / f"{name.replace(' ', '_')}-q{quality:g}-{cells * HYPER_STRIDE}.png")
    click.echo(table(("", "largest |Δ|", "|Δ| ≤ 1", "PSNR dB", "differ near borders", "elsewhere"), rows))
    if beyond:
        raise AezError(f"{beyond} decodes in windows differ from the whole beyond the tolerance")


if __name__ == "__main__":
    run(command)
