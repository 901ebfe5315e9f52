"""Quality metrics. Each takes an original and several decoded versions."""

import functools
import io
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from aez.benchmarks.codecs.base import UnavailableError
from aez.bitstream.errors import AezError
from aez.codec.networks.ms_ssim import SMALLEST_SIDE, ms_ssim

PSNR_OF_EQUALS = 100.0
"""Value in place of the infinite PSNR (or MS-SSIM in dB) of equal pictures, so that means and JSON stay finite."""
LUMA = (0.299, 0.587, 0.114)
DEFAULT_METRICS = ("psnr", "psnr_y", "ms_ssim", "ssimulacra2")
BATCH_SAMPLES = 2**26
"""Samples of decoded pictures that are on the device together."""

Values = list[float | None]
Metric = Callable[[Tensor, Tensor], Values]


def decibels(mean_square: float, peak: float = 255.0) -> float:
    """Convert a mean squared error to PSNR."""
    return 10 * math.log10(peak**2 / mean_square) if mean_square else PSNR_OF_EQUALS


def ms_ssim_decibels(value: float) -> float:
    """Convert MS-SSIM to decibels, −10·log₁₀(1 − v)."""
    return decibels(max(0.0, 1 - value), 1.0) if value < 1 - 1e-10 else PSNR_OF_EQUALS


def _psnr(original: Tensor, decoded: Tensor) -> Values:
    """Compute PSNR over all RGB samples."""
    return [decibels(value) for value in ((decoded - original) ** 2).mean((1, 2, 3)).tolist()]


def _psnr_y(original: Tensor, decoded: Tensor) -> Values:
    """Compute PSNR over luma: BT.601 weights, full range, not rounded."""
    weights = torch.tensor(LUMA, dtype=decoded.dtype, device=decoded.device).view(1, 3, 1, 1)
    error = ((decoded - original) * weights).sum(1)
    return [decibels(value) for value in (error**2).mean((1, 2)).tolist()]


def _ms_ssim(original: Tensor, decoded: Tensor) -> Values:
    """Compute MS-SSIM; None for pictures too small for five scales."""
    if min(original.shape[-2:]) < SMALLEST_SIDE:
        return [None] * len(decoded)
    return list(ms_ssim(original.expand_as(decoded), decoded).tolist())


def _ssimulacra2(original: Tensor, decoded: Tensor) -> Values:
    """Compute SSIMULACRA 2 on the CPU by the `ssimulacra2` package, which reads files."""
    from ssimulacra2 import compute_ssimulacra2

    def bitmap(picture: Tensor) -> io.BytesIO:
        buffer = io.BytesIO()
        samples = picture.permute(1, 2, 0).to(torch.uint8).cpu().numpy()
        Image.fromarray(np.ascontiguousarray(samples)).save(buffer, "BMP")
        buffer.seek(0)
        return buffer

    if min(original.shape[-2:]) < 8:
        return [None] * len(decoded)
    return [float(compute_ssimulacra2(bitmap(original[0]), bitmap(picture))) for picture in decoded]


def _lpips(original: Tensor, decoded: Tensor) -> Values:
    """Compute the learned perceptual distance with AlexNet; lower is better."""
    network = _network("lpips", original.device)
    return [float(network(original.float() / 127.5 - 1, picture[None].float() / 127.5 - 1)) for picture in decoded]


def _dists(original: Tensor, decoded: Tensor) -> Values:
    """Compute the structure and texture distance; lower is better."""
    network = _network("dists", original.device)
    return [float(network(original.float() / 255, picture[None].float() / 255)) for picture in decoded]


@functools.lru_cache(maxsize=2)
def _network(name: str, device: torch.device) -> Any:
    """Load the network of a learned metric.

    Raises:
        UnavailableError: the package, or the weights that it downloads, are not to be had.
    """
    try:
        if name == "lpips":
            import lpips

            network = lpips.LPIPS(net="alex", verbose=False)
        else:
            from DISTS_pytorch import DISTS

            network = DISTS()
    except ImportError:
        package = {"lpips": "lpips", "dists": "dists-pytorch"}[name]
        raise UnavailableError(f"{name} needs {package}: pip install {package}") from None
    except OSError as error:
        raise UnavailableError(f"{name} downloads weights at its first use, which failed: {error}") from None
    return network.eval().to(device)


METRICS: dict[str, Metric] = {
    "psnr": _psnr,
    "psnr_y": _psnr_y,
    "ms_ssim": _ms_ssim,
    "ssimulacra2": _ssimulacra2,
    "lpips": _lpips,
    "dists": _dists,
}
DERIVED = {"ms_ssim": ("ms_ssim_db", ms_ssim_decibels)}
UNITS = {
    "psnr": "PSNR RGB, dB",
    "psnr_y": "PSNR Y, dB",
    "ms_ssim": "MS-SSIM",
    "ms_ssim_db": "MS-SSIM, dB",
    "ssimulacra2": "SSIMULACRA 2",
    "lpips": "LPIPS (lower is better)",
    "dists": "DISTS (lower is better)",
}


def check_metric(name: str) -> None:
    """Check that a metric can be computed here.

    Raises:
        UnavailableError: its package is not installed.
        AezError: there is no such metric.
    """
    if name not in METRICS:
        raise AezError(f"no metric {name!r}; there is {', '.join(METRICS)}")
    if name == "ssimulacra2":
        try:
            import ssimulacra2  # noqa: F401
        except ImportError:
            raise UnavailableError("ssimulacra2 needs its package: pip install ssimulacra2") from None
    if name in ("lpips", "dists"):
        _network(name, torch.device("cpu"))


def usable_metrics(names: Sequence[str], say: Callable[[str], None]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the metrics that can be computed here, and why the others cannot."""
    usable, skipped = [], {}
    for name in names:
        try:
            check_metric(name)
            usable.append(name)
        except UnavailableError as error:
            skipped[name] = str(error)
            say(f"{name} is skipped: {error}")
    return tuple(usable), skipped


@torch.inference_mode()
def compute(
    names: Sequence[str],
    original: NDArray[np.uint8],
    decoded: Sequence[NDArray[np.uint8]],
    device: torch.device | str = "cpu",
) -> list[dict[str, float | None]]:
    """Compute metrics of several decoded versions of a picture.

    Args:
        names: keys of ``METRICS``.
        original: (H, W, 3) uint8 RGB.
        decoded: arrays of the same shape.
        device: where to compute; in double precision, so that the results do not depend on it (float32 on MPS).

    Returns:
        For each decoded picture its values by name, derived ones too; None where the picture is too small.

    Raises:
        ValueError: the shapes differ.
    """
    for picture in decoded:
        if picture.shape != original.shape:
            raise ValueError(f"pictures of shapes {original.shape} and {picture.shape} cannot be compared")
    where = torch.device(device)
    kind = torch.float32 if where.type == "mps" else torch.float64

    def tensor(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
        return torch.from_numpy(np.stack(pictures)).to(where).permute(0, 3, 1, 2).to(kind).contiguous()

    results: list[dict[str, float | None]] = []
    reference, step = tensor([original]), max(1, BATCH_SAMPLES // original.size)
    if where.type == "cpu":
        step = 1  # larger batches only leave the cache
    for start in range(0, len(decoded), step):
        batch = tensor(decoded[start : start + step])
        rows: list[dict[str, float | None]] = [{} for _ in range(len(batch))]
        for name in names:
            for row, value in zip(rows, METRICS[name](reference, batch), strict=True):
                row[name] = value
                if name in DERIVED:
                    other, function = DERIVED[name]
                    row[other] = None if value is None else function(value)
        results += rows
    return results


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Compute PSNR in dB over all samples of two (H, W, 3) uint8 arrays, ``PSNR_OF_EQUALS`` at most.

    Raises:
        ValueError: the shapes differ.
    """
    value = compute(("psnr",), a, [b])[0]["psnr"]
    return PSNR_OF_EQUALS if value is None else value
