"""Rate and distortion of a model in training, from rounded symbols, estimated rates and 8-bit pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aez.bitstream.header import LATENT_STRIDE
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.ms_ssim import ms_ssim
from aez.codec.picture.ms_ssim import SMALLEST_SIDE
from aez.codec.training.filter_in_loop import in_double
from aez.codec.training.objective import EVALUATION_NORMALISATION, RateDistortion


@dataclass(frozen=True)
class Row:
    """Means over pictures at one quality point; MS-SSIM in dB, None if a picture is too small."""

    point: float
    bpp: float
    psnr: float
    ms_ssim: float | None
    loss: float


@torch.no_grad()
def evaluate(
    model: HyperpriorModel,
    pictures: Sequence[Tensor],
    points: Sequence[float],
    distortion: str = "mse",
    picture_filter: bool = False,
) -> list[Row]:
    """Evaluate on whole pictures, cropped to multiples of 16.

    Args:
        model: on any device; its training mode is restored.
        pictures: (3, H, W) uint8, sides of at least 16 pixels.
        points: quality points.
        distortion: distortion in the loss, see :class:`RateDistortion`.
        picture_filter: measure behind the adaptive loop filter, see :class:`RateDistortion`.

    Returns:
        A row for each quality point.
    """
    device = next(model.parameters()).device
    objective, training = RateDistortion(model, distortion, picture_filter=picture_filter), model.training
    objective.eval().to(device)
    rows = []
    for point in points:
        position = torch.tensor([float(point)], device=device)
        weight = float(model.distortion_weight(position))
        bpp = psnr = loss = 0.0
        similar: list[float] = []
        for picture in pictures:
            height, width = (side // LATENT_STRIDE * LATENT_STRIDE for side in picture.shape[1:])
            x = picture[None, :, :height, :width].to(device).float() / 255 - 0.5
            outcome, reconstruction = objective.evaluate(x.contiguous(memory_format=torch.channels_last), position)
            decoded, original = (reconstruction.clamp(-0.5, 0.5) * 255).add(127.5).round(), x * 255 + 127.5
            mse = max(float((decoded - original).square().mean()) / 255**2, 1e-9)
            if min(x.shape[2:]) >= SMALLEST_SIDE:
                similar.append(-10 * math.log10(max(1e-9, 1 - float(ms_ssim(in_double(decoded), in_double(original))))))
            rate = float(outcome.bpp)
            bpp += rate
            psnr -= 10 * math.log10(mse)
            # The squared error is that of the 8-bit picture; MS-SSIM hardly changes by rounding.
            loss += (
                (rate + weight * mse) / weight**EVALUATION_NORMALISATION if distortion == "mse" else float(outcome.loss)
            )
        n = len(pictures)
        rows.append(Row(point, bpp / n, psnr / n, sum(similar) / n if len(similar) == n else None, loss / n))
    model.train(training)
    return rows


def format_table(rows: Sequence[Row]) -> str:
    """Format rows as text; the last line is the mean loss, the number to compare two models by."""
    lines = ["point    bpp   PSNR dB  MS-SSIM dB    loss"]
    for row in rows:
        similar = "-" if row.ms_ssim is None else f"{row.ms_ssim:.3f}"
        lines.append(f"{row.point:5.1f} {row.bpp:7.4f} {row.psnr:8.3f} {similar:>10} {row.loss:9.5f}")
    return "\n".join([*lines, f"mean loss {sum(row.loss for row in rows) / len(rows):.6f}"])
