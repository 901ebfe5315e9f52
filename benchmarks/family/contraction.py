"""The collapsed autoencoder against the plain one: both trained alike, with codes of variance 1.

For patches of 32×32 from a folder the table shows PSNR; ‖∂h/∂x‖²_F; the number of singular values of the Jacobian that
hold 99 % of that norm (the dimension of the tangent space), and their participation ratio (Σs²)²/Σs⁴; the mean square
change of the code, whose variance is 1, by Gaussian noise in the patch; PSNR of the decoded noisy patch against the
clean one; and log₂ p(x) by importance sampling.

    python -m aez.benchmarks.family.contraction FOLDER [--patches 400] [--likelihoods 24]
"""

import math
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

from aez.benchmarks.commands import run, table
from aez.benchmarks.metrics import decibels
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.codec.family.collapsed import SIDE, PlainAutoencoder, jacobian
from aez.codec.family.likelihood import log_likelihood
from aez.codec.family.members import load_family

NOISES = (5.0, 15.0, 30.0)


def patches_of(folder: Path, count: int) -> Tensor:
    """Cut patches (count, 3, 32, 32), spread evenly over the pictures."""
    cut = []
    for path in list_pictures(folder):
        picture = torch.from_numpy(np.array(read_rgb(path))).permute(2, 0, 1).float() / 255 - 0.5
        rows = picture.unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE)
        cut.append(rows.permute(1, 2, 0, 3, 4).reshape(-1, 3, SIDE, SIDE))
    every = torch.cat(cut)
    return every[torch.linspace(0, len(every) - 1, min(count, len(every))).long()]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--patches", type=click.IntRange(min=1), default=400, show_default=True, help="Patches to measure.")
@click.option("--likelihoods", type=click.IntRange(min=1), default=24, show_default=True, help="Patches for p(x).")
def command(folder: Path, patches: int, likelihoods: int) -> None:
    """Print the table for the pictures in FOLDER."""
    x = patches_of(folder, patches)
    rows: dict[str, list[str]] = {}
    for name in ("plain", "collapsed"):
        model = load_family(name)
        assert isinstance(model, PlainAutoencoder)
        torch.manual_seed(0)
        code = model.encode(x)
        found = [("PSNR dB", decibels(float((model.decode(code) - x).square().mean()), 1.0))]
        singular = torch.linalg.svdvals(jacobian(model, x[:64])).square()
        share = singular.cumsum(1) / singular.sum(1, keepdim=True)
        found.append(("squared norm of the Jacobian", float(singular.sum(1).mean())))
        found.append(("singular values to 99 %", float((share < 0.99).sum(1).add(1).float().mean())))
        found.append(("participation ratio", float((singular.sum(1) ** 2 / singular.square().sum(1)).mean())))
        for sigma in NOISES:
            noisy = model.encode(x + sigma / 255 * torch.randn_like(x))
            back = decibels(float((model.decode(noisy) - x).square().mean()), 1.0)
            found.append((f"code moved by noise {sigma:.0f}", float((noisy - code).square().mean())))
            found.append((f"PSNR dB from noise {sigma:.0f}", back))
        some = x[torch.linspace(0, len(x) - 1, min(likelihoods, len(x))).long()]
        some = some + (torch.rand_like(some) - 0.5) / 255
        likely, effective = log_likelihood(model, some)
        bits = 8 - likely / math.log(2) / some[0].numel()  # of the integers 0 … 255
        found.append(("-log2 p(x), bits per sample", float(bits.mean())))
        found.append(("effective samples of 256", float(effective.median())))
        for label, value in found:
            rows.setdefault(label, []).append(f"{value:.3f}")
    click.echo(f"{len(x)} patches")
    click.echo(table(["", "plain", "collapsed"], [[label, *values] for label, values in rows.items()]))


if __name__ == "__main__":
    run(command)
