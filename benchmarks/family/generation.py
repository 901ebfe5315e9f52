"""Generated pictures against real ones: Fréchet and kernel distances of the codec's features.

Features of a picture are means and log standard deviations over it of what the flagship's analysis sees, 128 channels
at 1/8 (quality 50), each scaled to the real pictures. Real pictures are random crops of every second picture in FOLDER;
crops of the others show what no generator could do better. Baselines: real pictures whose pieces are shuffled among all
of them; noise with the real pictures' mean power spectrum and covariance of colours, which is all that a normal
distribution of pixels can know; and independent normal pixels of the same colours.

    python -m aez.benchmarks.family.generation FOLDER [--count 400] [--size 256]
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from aez.benchmarks.commands import model_option, quality_option, run, table
from aez.benchmarks.family.distances import frechet, kernel
from aez.benchmarks.pictures import Samples, list_pictures, read_rgb
from aez.bitstream.errors import AezError
from aez.bitstream.header import LATENT_STRIDE
from aez.codec.codec import Codec
from aez.codec.family.generation.sampling import Draws, Recipe, sampled_file
from aez.codec.runtime.torch.networks import TorchNetworks

FEATURE_QUALITY = 50.0


def crops(pictures: list[Samples], count: int, size: int, seed: int) -> list[Samples]:
    """Cut random squares, equally many from each picture."""
    random = np.random.default_rng(seed)
    out = []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        top, left = (int(random.integers(0, n - size + 1)) for n in picture.shape[:2])
        out.append(picture[top : top + size, left : left + size])
    return out


def shuffled(real: list[Samples], side: int, seed: int) -> list[Samples]:
    """Shuffle pieces of side × side pixels among all pictures."""
    size = len(real[0]) // side
    pieces = np.stack(real).reshape(len(real), size, side, size, side, 3).transpose(0, 1, 3, 2, 4, 5)
    order = np.random.default_rng(seed).permutation(len(real) * size * size)
    mixed = pieces.reshape(-1, side, side, 3)[order].reshape(pieces.shape).transpose(0, 1, 3, 2, 4, 5)
    return list(np.ascontiguousarray(mixed.reshape(len(real), size * side, size * side, 3)))


def normal_pixels(real: list[Samples], count: int, seed: int, *, spectrum: bool) -> list[Samples]:
    """Draw normal noise with the colours' covariance; with ``spectrum`` one covariance per frequency."""
    random = np.random.default_rng(seed)
    stack = np.stack(real).astype(np.float32)
    size = stack.shape[1]
    mean = stack.mean((0, 1, 2))
    spread = np.cov(stack.reshape(-1, 3)[:: max(1, stack.size // 3_000_000)], rowvar=False)
    if not spectrum:
        noise = random.standard_normal((count, size, size, 3)) @ np.linalg.cholesky(spread).T
        return [_levels(one + mean) for one in noise]
    # How bright a whole picture is varies too: the mean is one of the frequencies.
    waves = np.fft.fft2(stack - mean, axes=(1, 2))
    covariance = np.einsum("nijc,nijd->ijcd", waves, waves.conj()).real / len(real)
    factor = np.linalg.cholesky(covariance + 1e-6 * np.eye(3)) / size
    out = []
    for _ in range(count):
        white = np.fft.fft2(random.standard_normal((size, size, 3)), axes=(0, 1))
        coloured = np.einsum("ijcd,ijd->ijc", factor, white)
        out.append(_levels(np.fft.ifft2(coloured, axes=(0, 1)).real + mean))
    return out


def _levels(values: NDArray[np.float64]) -> Samples:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


class Eye:
    """A map from pictures to features."""

    def __init__(self, codec: Codec) -> None:
        """Take features from a codec's analysis."""
        networks = codec.networks
        assert isinstance(networks, TorchNetworks)  # the caller loads them so
        self.model = networks.model
        self.at = networks.point(codec.quality_scale.position_of(FEATURE_QUALITY))
        self.device = codec.device

    @torch.inference_mode()
    def __call__(self, pictures: Iterable[Samples]) -> NDArray[np.float64]:
        """Return features (n, D)."""
        rows = []
        for samples in pictures:
            height, width = (n // LATENT_STRIDE * LATENT_STRIDE for n in samples.shape[:2])
            x = torch.from_numpy(samples[:height, :width].copy()).to(self.device)
            h, _ = self.model.analysis.both(x.permute(2, 0, 1)[None].float() / 255 - 0.5, self.at)
            flat = h[0].flatten(1).double()
            rows.append(torch.cat([flat.mean(1), (flat.std(1) + 1e-3).log()]).cpu().numpy())
        return np.stack(rows)


def drawn(codec: Codec, count: int, size: int, recipe: Recipe) -> list[Samples]:
    """Generate pictures from the codec's entropy model."""
    return [codec.decode_array(sampled_file(codec, size, size, Draws(0, n), recipe)) for n in range(count)]


def of_vae(count: int) -> list[Samples]:
    """Generate pictures from the VAE."""
    from aez.codec.family.members import load_family

    pictures = load_family("vae").sample(count, 0)  # type: ignore[operator]
    levels = pictures.clamp(-0.5, 0.5).mul(255).add(127.5).round().byte().permute(0, 2, 3, 1)
    return list(levels.contiguous().numpy())


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=20), default=400, show_default=True, help="Pictures of each kind.")
@click.option("--size", type=click.IntRange(min=64), default=256, show_default=True, help="Their side, pixels.")
@click.option("--vae", is_flag=True, help="Draw from the VAE, 64 pixels a side, instead of the codec.")
@model_option
@quality_option(10, 20, 30, 50)
@click.option("--temperature", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Of what is drawn.")
def command(
    folder: Path, count: int, size: int, vae: bool, model: str, qualities: tuple[float, ...], temperature: float
) -> None:
    """Compare generated pictures with those in FOLDER."""
    size = 64 if vae else size // 64 * 64
    codec = Codec(model, "cpu", "float32", "torch")
    pictures = [np.asarray(read_rgb(path)) for path in list_pictures(folder)]
    pictures = [picture for picture in pictures if min(picture.shape[:2]) >= size]
    if len(pictures) < 2:
        raise AezError(f"{folder}: fewer than two pictures of {size} pixels a side")
    eye = Eye(codec)
    real = crops(pictures[::2], count, size, 0)
    base = eye(real)
    centre, spread = base.mean(0), base.std(0) + 1e-9
    rows = []

    def add(name: str, make: Callable[[], list[Samples]]) -> None:
        features = (eye(make()) - centre) / spread
        one = (base - centre) / spread
        rows.append((name, f"{frechet(one, features):.2f}", f"{kernel(one, features):.4f}"))
        click.echo(f"{name}: done", err=True)

    add("real, other pictures", lambda: crops(pictures[1::2], count, size, 1))
    if vae:
        add("VAE", lambda: of_vae(count))
    else:
        for quality, independent in product(qualities, (True, False)):
            recipe = Recipe(codec.quality_scale.position_of(quality), temperature, independent)
            how = "independent" if independent else "neighbours"
            add(f"quality {quality:g}, {how}", partial(drawn, codec, count, size, recipe))
    add(f"shuffled pieces, {size // 4}×{size // 4}", lambda: shuffled(real, size // 4, 2))
    add(f"shuffled pieces, {LATENT_STRIDE}×{LATENT_STRIDE}", lambda: shuffled(real, LATENT_STRIDE, 2))
    add("normal pixels, spectrum and colours", lambda: normal_pixels(real, count, 3, spectrum=True))
    add("normal pixels, colours", lambda: normal_pixels(real, count, 3, spectrum=False))
    click.echo(f"{count} pictures of {size}×{size}, {len(pictures)} real ones; lower is nearer to real")
    click.echo(table(("", "Fréchet distance", "kernel distance"), rows))


if __name__ == "__main__":
    run(command)
