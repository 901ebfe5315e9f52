"""The β-VAE: bound, rate and PSNR by β, and a grid of samples.

Blocks of 64×64 from the pictures of a folder, halved as in training. For each β the table shows −ELBO at β = 1 in bits
per sample (p(x|z) with σ = 0.06); the divergence KL(q ‖ p) in bits per pixel, which is the rate of bits-back coding
(Townsend et al., ICLR 2019); the size of real files; and the PSNR of the decoded blocks.

    python -m aez.benchmarks.family.variational FOLDER [--blocks 300] [--samples OUT.png]
"""

import math
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from aez.benchmarks.commands import run, table
from aez.benchmarks.metrics import decibels
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.codec.family.coding import FamilyCodec
from aez.codec.family.members import load_family
from aez.codec.family.vae import VariationalAutoencoder

SIDE = 64


def blocks_of(folder: Path, count: int) -> np.ndarray:  # type: ignore[type-arg]
    """Cut blocks (count, 64, 64, 3) uint8, spread evenly over the pictures."""
    cut = []
    for path in list_pictures(folder):
        image = read_rgb(path)
        half = np.asarray(image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX))
        cut += [
            half[i : i + SIDE, j : j + SIDE]
            for i in range(0, half.shape[0] - SIDE + 1, SIDE)
            for j in range(0, half.shape[1] - SIDE + 1, SIDE)
        ]
    return np.stack([cut[i] for i in np.linspace(0, len(cut) - 1, min(count, len(cut))).astype(int)])


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--blocks", type=click.IntRange(min=1), default=300, show_default=True, help="64×64 blocks to measure.")
@click.option("--samples", type=click.Path(path_type=Path, dir_okay=False), help="Write a grid of 8×4 samples here.")
def command(folder: Path, blocks: int, samples: Path | None) -> None:
    """Print the table for the pictures in FOLDER."""
    model = load_family("vae")
    assert isinstance(model, VariationalAutoencoder)
    codec = FamilyCodec("vae", "cpu")
    cut = blocks_of(folder, blocks)
    x = torch.from_numpy(cut).permute(0, 3, 1, 2).float() / 255 - 0.5
    # One picture of all blocks, so that the header's bytes do not count 300 times.
    sheet = np.concatenate(list(cut), 1)
    rows = []
    for point in range(model.points):
        at = torch.full((len(x),), float(point))
        torch.manual_seed(0)
        surprise, divergence, _ = model.terms(x, at)
        bound = (surprise + divergence).mean() / x[0].numel() / math.log(2) + 8  # of the integers 0 … 255
        data = codec.encode(sheet, 1 + 99 * point / (model.points - 1))
        error = np.square(codec.decode_array(data).astype(float) - sheet).mean()
        rows.append(
            [
                f"{float(model.beta(torch.tensor(float(point)))):.3f}",
                f"{float(bound):.3f}",
                f"{float(divergence.mean()) / math.log(2) / SIDE**2:.4f}",
                f"{8 * len(data) / (len(x) * SIDE**2):.4f}",
                f"{decibels(float(error)):.2f}",
            ]
        )
    click.echo(f"{len(x)} blocks")
    click.echo(table(["beta", "-ELBO bits/sample", "KL bpp", "file bpp", "PSNR dB"], rows))
    if samples:
        drawn = ((model.sample(32, 0) + 0.5) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        Image.fromarray(np.concatenate([np.concatenate(drawn[i : i + 8], 1) for i in range(0, 32, 8)])).save(samples)


if __name__ == "__main__":
    run(command)
