"""Denoising: `aez denoise` against BM3D and non-local means, and file sizes of `aez compress --denoise`.

Gaussian noise of known σ is added to every picture, rounded and clipped to 8 bits; all methods get the same noisy
picture and σ. Printed are the mean PSNR against the clean picture and the time, then the sizes of files of
the noisy picture and of the denoised one at the same qualities.

    python -m aez.benchmarks.family.denoising FOLDER [--sigma 25] [--methods aez,nlm,bm3d] [-o measurements.json]

With -o measurements of the same weights are reused: BM3D takes minutes per picture.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from aez.benchmarks.commands import run, table
from aez.benchmarks.family.rivals import bm3d, non_local_means
from aez.benchmarks.pictures import Samples, list_pictures, read_rgb
from aez.bitstream.errors import AezError
from aez.codec.api import load
from aez.codec.family.members import load_family
from aez.codec.family.restoration.denoise import denoise
from aez.codec.family.restoration.noise import noise_level
from aez.codec.model.registry import PSNR_MODEL
from aez.codec.picture.files import write_atomically
from aez.codec.picture.psnr import psnr_of as psnr

Method = Callable[[Samples, float], Samples]
METHODS: dict[str, Method] = {
    "noisy": lambda samples, _: samples,
    "nlm": non_local_means,
    "bm3d": bm3d,
    "aez": lambda samples, sigma: denoise(samples, sigma),
    "aez-auto": lambda samples, _: denoise(samples),
    "aez-effort3": lambda samples, sigma: denoise(samples, sigma, effort=3),
}
QUALITIES = (30.0, 50.0, 70.0, 90.0)


@dataclass
class MeasurementCache:
    """Measurements by key, stored in a file if a path is given."""

    path: Path | None
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the file if it exists.

        Raises:
            AezError: the file is of another kind.
        """
        if self.path is not None and self.path.exists():
            try:
                self.values = dict(json.loads(self.path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError) as error:
                raise AezError(f"{self.path}: cannot be read as measurements ({error})") from None

    def of(self, key: str, measure: Callable[[], Any]) -> Any:
        """Return a measurement; make it if it is missing."""
        if key not in self.values:
            self.values[key] = measure()
            if self.path is not None:
                write_atomically(self.path, json.dumps(self.values, indent=0, sort_keys=True).encode())
        return self.values[key]


def with_noise(clean: Samples, sigma: float, seed: int) -> Samples:
    """Add Gaussian noise, and round and clip to 8 bits."""
    noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.asarray((clean + noise).round().clip(0, 255).astype(np.uint8))


def restored(method: str, clean: Samples, sigma: float, seed: int) -> list[float]:
    """Denoise a noisy picture; return PSNR and seconds."""
    noisy = with_noise(clean, sigma, seed)
    start = time.perf_counter()
    out = METHODS[method](noisy, sigma)
    return [psnr(clean, out), time.perf_counter() - start]


def coded(model: str, clean: Samples, sigma: float, seed: int, quality: float, clear: bool) -> list[float]:
    """Code the noisy or denoised picture; return bits per pixel, and PSNR against the clean picture."""
    codec = load(model)
    noisy = with_noise(clean, sigma, seed)
    data = codec.encode(denoise(noisy, sigma) if clear else noisy, quality)
    return [8 * len(data) / (clean.shape[0] * clean.shape[1]), psnr(clean, codec.decode_array(data))]


def pictures(folder: Path, first: int | None, crop: int | None) -> dict[str, Samples]:
    """Read the pictures of a folder, or their middles, by name.

    Raises:
        AezError: there is none.
    """
    found = {}
    for path in list_pictures(folder, first):
        samples = np.array(read_rgb(path))
        if crop:
            top, left = ((side - crop) // 2 for side in samples.shape[:2])
            samples = samples[max(0, top) : max(0, top) + crop, max(0, left) : max(0, left) + crop]
        found[f"{path.stem}{f'/{crop}' if crop else ''}"] = samples
    return found


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--first", type=click.IntRange(min=1), metavar="N", help="Only the first N pictures by name.")
@click.option("--crop", type=click.IntRange(min=16), metavar="PIXELS", help="Only the middle of each picture.")
@click.option("--sigma", "sigmas", type=click.FloatRange(1, 60), multiple=True, default=(15.0, 25.0, 50.0))
@click.option("--methods", default=",".join(METHODS), show_default=True)
@click.option("--model", default=PSNR_MODEL, show_default=True, help="Model of the codec.")
@click.option("--compress/--no-compress", default=True, show_default=True, help="Measure sizes of files, too.")
@click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False), help="Measurements, kept and reused.")
def command(
    folder: Path,
    first: int | None,
    crop: int | None,
    sigmas: tuple[float, ...],
    methods: str,
    model: str,
    compress: bool,
    output: Path | None,
) -> None:
    """Compare denoisers on the pictures of FOLDER, and sizes with and without denoising."""
    unknown = set(methods.split(",")) - set(METHODS)
    if unknown:
        raise AezError(f"no method is called {', '.join(sorted(unknown))} (there is {', '.join(METHODS)})")
    store = MeasurementCache(output)
    found = pictures(folder, first, crop)
    ours = compress or any(method.startswith("aez") for method in methods.split(","))
    weights = load_family("denoiser").fingerprint.hex() if ours else ""
    rows = []
    for sigma in sigmas:
        for method in methods.split(","):
            kind = f"{method} {weights}" if method.startswith("aez") else method
            values = [
                store.of(f"{name} {sigma:g} {kind}", lambda c=clean, n=number: restored(method, c, sigma, n))  # type: ignore[misc]  # noqa: B023
                for number, (name, clean) in enumerate(found.items())
            ]
            mean, seconds = np.mean([v[0] for v in values]), np.median([v[1] for v in values])
            rows.append((f"{sigma:g}", method, f"{mean:.2f}", f"{seconds:.2f}"))
    click.echo(f"{len(found)} pictures")
    click.echo(table(("σ", "method", "PSNR, dB", "median s"), rows))
    estimates = []
    for sigma in sigmas:
        noise = [noise_level(with_noise(clean, sigma, n)) for n, clean in enumerate(found.values())]
        estimates.append((f"{sigma:g}", f"{np.mean(noise):.2f}", f"{min(noise):.2f}", f"{max(noise):.2f}"))
    click.echo()
    click.echo(table(("σ", "estimated: mean", "least", "most"), estimates))
    if compress:
        _sizes(store, found, sigmas, model, weights)


def _sizes(
    store: MeasurementCache, found: dict[str, Samples], sigmas: tuple[float, ...], model: str, weights: str
) -> None:
    """Print file sizes with and without denoising."""
    kind = f"{load(model).fingerprint.hex()} {weights}"
    rows = []
    for sigma in sigmas:
        for quality in QUALITIES:
            means = []
            for clear in (False, True):
                values = [
                    store.of(
                        f"{name} {sigma:g} q{quality:g} {'denoised' if clear else 'noisy'} {kind}",
                        lambda c=clean, n=number: coded(model, c, sigma, n, quality, clear),  # type: ignore[misc]  # noqa: B023
                    )
                    for number, (name, clean) in enumerate(found.items())
                ]
                means.append(np.mean(values, 0))
            (bpp, noisy), (saved, clean_psnr) = means
            share = f"{100 * (saved / bpp - 1):+.0f} %"
            row = (
                f"{sigma:g}",
                f"{quality:g}",
                f"{bpp:.3f}",
                f"{saved:.3f}",
                share,
                f"{noisy:.2f}",
                f"{clean_psnr:.2f}",
            )
            rows.append(row)
    click.echo()
    names = ("σ", "quality", "bpp noisy", "bpp denoised", "", "PSNR to clean, noisy", "denoised")
    click.echo(table(names, rows))


if __name__ == "__main__":
    run(command)
