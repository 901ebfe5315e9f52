"""Difference between a file's size and the float model's rate estimate for its symbols.

The estimate is independent of the entropy coder: continuous Gaussians with σ from the float twin of the exact scale
path, in plain floating point. Real files must lie within 1 % + 64 bytes (signature, header, checksums) of the estimate;
otherwise the exit code is 1. The table also shows the cost of the exact path: bits of r under σ of its table indices
against bits under the twin's σ.

    python -m aez.benchmarks.checks.rate_gap FOLDER [--first N] [--model NAME|PATH] [-q 5 -q 50 -q 100]
"""

import math
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.benchmarks.commands import picture_options, quality_option, run, table
from aez.benchmarks.pictures import list_pictures, read_rgb
from aez.bitstream.errors import AezError
from aez.bitstream.header import Header
from aez.bitstream.runs import NOT_CODED
from aez.codec.codec import Codec
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.scales import LOG_HYPER_MAX, LOG_HYPER_MIN, LOG_SCALE_MAX, LOG_SCALE_MIN, ladder
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.loading import training_model
from aez.codec.symbols.symbols import Symbols

LIKELIHOOD_MIN = 1e-9
"""As in the objective: a symbol far outside its Gaussian is an escape in the file, not an infinity."""
ALLOWED_SHARE, ALLOWED_BYTES = 0.01, 64


@dataclass(frozen=True)
class Gap:
    """Size and estimate of one file.

    Attributes:
        real: its size in bytes.
        estimate: the float model's, in bytes.
        exact_loss: bits of r by the exact path's σ over bits by the twin's, in percent; 0 if nothing is coded.
    """

    real: int
    estimate: float
    exact_loss: float

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a table row."""
        gap = f"{self.real - self.estimate:+.1f}"
        return str(self.real), f"{self.estimate:.1f}", gap, f"{self.percent:.3f}", f"{self.exact_loss:+.3f}"

    @property
    def excess(self) -> float:
        """Bytes of the difference beyond the allowance for signature, header and checksums, at least 0."""
        return max(0.0, abs(self.real - self.estimate) - ALLOWED_BYTES)

    @property
    def percent(self) -> float:
        """``excess`` in percent of the estimate."""
        return 100 * self.excess / self.estimate


def gaussian_bits(symbols: NDArray[np.int16], log_scale: Tensor, coded: NDArray[np.bool_]) -> float:
    """Return the bits of integers under N(0, σ²), each the mass on [k − 1/2, k + 1/2].

    Args:
        symbols: integers.
        log_scale: log σ, of a shape that broadcasts to that of ``symbols``.
        coded: which elements cost anything.
    """
    magnitude = torch.from_numpy(symbols).double().abs()
    width = torch.exp(log_scale.double()) * math.sqrt(2)
    mass = 0.5 * (torch.special.erfc((magnitude - 0.5) / width) - torch.special.erfc((magnitude + 0.5) / width))
    return float(-torch.log2(mass.clamp_min(LIKELIHOOD_MIN))[torch.from_numpy(coded)].sum())


@torch.inference_mode()
def estimate(model: HyperpriorModel, header: Header, symbols: Symbols) -> tuple[float, float, float]:
    """Estimate the bits of a file's symbols.

    Args:
        model: with the float twin, ``training_model``.
        header: the file's.
        symbols: the file's, with the exact path's indices.

    Returns:
        Bits of z; of r by the twin's σ; of r by σ of the exact path's indices.
    """
    position = torch.tensor([header.quality / POSITION_SCALE])
    rows, cols = header.latent_shape
    log_hyper = model.hyper_scale(position)[0].clamp(LOG_HYPER_MIN, LOG_HYPER_MAX)
    log_twin = model.log_scale(torch.from_numpy(symbols.z).float()[None], position)[0, :, :rows, :cols]
    coded = symbols.indices != NOT_CODED
    tables = torch.from_numpy(np.where(coded, symbols.indices, 0)).int()
    log_exact = torch.tensor(ladder(), dtype=torch.float64).log()[tables]
    return (
        gaussian_bits(symbols.z, log_hyper, np.ones(symbols.z.shape, dtype=np.bool_)),
        gaussian_bits(symbols.r, log_twin.clamp(LOG_SCALE_MIN, LOG_SCALE_MAX), coded),
        gaussian_bits(symbols.r, log_exact, coded),
    )


def gap_of(codec: Codec, model: HyperpriorModel, picture: Path, quality: float) -> Gap:
    """Encode a picture and compare the file with the estimate."""
    data = codec.encode(read_rgb(picture), quality)
    header, symbols = codec.unpack(data)
    bits_z, bits_twin, bits_exact = estimate(model, header, symbols)
    loss = 100 * (bits_exact / bits_twin - 1) if bits_twin else 0.0
    return Gap(len(data), (bits_z + bits_twin) / 8, loss)


@click.command()
@picture_options()
@quality_option(5, 50, 100)
def command(folder: Path, first: int | None, model: str, qualities: tuple[float, ...]) -> None:
    """Compare file sizes with the float model's estimate for the pictures in FOLDER."""
    pictures = list_pictures(folder, first)
    codec = Codec(model)
    twin = training_model(codec.weights).eval()
    gaps = {
        (picture.name, quality): gap_of(codec, twin, picture, quality) for picture in pictures for quality in qualities
    }
    rows = [(name, f"{quality:g}", *gap.cells()) for (name, quality), gap in gaps.items()]
    click.echo(table(("picture", "quality", "file", "estimate", "gap", "beyond 64 B %", "exact path %"), rows))
    click.echo(
        f"largest gap beyond {ALLOWED_BYTES} bytes: {max(gap.percent for gap in gaps.values()):.3f} %, "
        f"{max(gap.excess for gap in gaps.values()):.1f} bytes; "
        f"the exact path costs at most {max(gap.exact_loss for gap in gaps.values()):+.3f} % of r, "
        f"{sum(gap.exact_loss for gap in gaps.values()) / len(gaps):+.3f} % on average"
    )
    broken = sum(gap.percent > 100 * ALLOWED_SHARE for gap in gaps.values())
    if broken:
        raise AezError(f"{broken} of {len(gaps)} files differ from the estimate by more than 1 % + 64 bytes")


if __name__ == "__main__":
    run(command)
