"""Quality metrics. Each takes an original and several decoded versions."""

import functools
import importlib
import logging
import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.benchmarks.codecs.base import UnavailableError
from aez.bitstream.errors import AezError
from aez.codec.networks.ms_ssim import ms_ssim
from aez.codec.networks.ssimulacra2 import ssimulacra2
from aez.codec.picture.ms_ssim import SMALLEST_SIDE
from aez.codec.picture.ssimulacra2 import SMALLEST_SIDE as SMALLEST_SCALE

PSNR_OF_EQUALS = 100.0
"""Value in place of the infinite PSNR (or MS-SSIM in dB) of equal pictures, so that means and JSON stay finite."""
LUMA = (0.299, 0.587, 0.114)
DEFAULT_METRICS = ("psnr", "psnr_y", "ms_ssim", "ssimulacra2", "cvvdp")
BATCH_SAMPLES = 2**26
"""Samples of decoded pictures that are on the device together."""

Values = list[float | None]
Metric = Callable[[Tensor, Tensor], Values]
"""From an original, (1, 3, H, W), and decoded versions, (N, 3, H, W), both 0 … 255, to a value for each."""


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
    """Compute SSIMULACRA 2; None for pictures too small for one scale."""
    if min(original.shape[-2:]) < SMALLEST_SCALE:
        return [None] * len(decoded)
    return list(ssimulacra2(original, decoded).tolist())


def _cvvdp(original: Tensor, decoded: Tensor) -> Values:
    """Compute ColorVideoVDP (Mantiuk et al., 2024) in JOD, as seen on a 4K monitor at its usual distance."""
    network = _network("cvvdp", original.device)
    reference = _samples(original)
    return [float(network.predict(_samples(picture[None]), reference, dim_order="BCHW")[0]) for picture in decoded]


def _by_package(name: str) -> Metric:
    """Return a metric of the package frame-analytics, by the name of its function."""

    def metric(original: Tensor, decoded: Tensor) -> Values:
        function, reference = getattr(_package("frame_analytics", name), name), _samples(original)
        try:
            return [float(function(_samples(picture[None]), reference, data_range=255.0)) for picture in decoded]
        except ValueError:  # too small for its scales
            return [None] * len(decoded)

    return metric


def _dists(original: Tensor, decoded: Tensor) -> Values:
    """Compute the structure and texture distance; lower is better."""
    network = _network("dists", original.device)
    return [float(network(original.float() / 255, picture[None].float() / 255)) for picture in decoded]


def _samples(pictures: Tensor) -> Tensor:
    """Return pictures as uint8."""
    return pictures.to(torch.uint8).contiguous()


_INSTALL = {"DISTS_pytorch": "dists-pytorch", "frame_analytics": "frame-analytics", "pycvvdp": "cvvdp"}


def _package(module: str, metric: str) -> ModuleType:
    """Import a metric's package.

    Raises:
        UnavailableError: it is not installed.
    """
    # Of a machine with CUDA's compiler and no such GPU, which no user of ours asked about.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    try:
        return importlib.import_module(module)
    except ImportError:
        package = _INSTALL[module]
        raise UnavailableError(f"{metric} needs {package}: pip install {package}") from None


@functools.lru_cache(maxsize=2)
def _network(name: str, device: torch.device) -> Any:
    """Load the network of a learned metric.

    Raises:
        UnavailableError: the package, or the weights that it downloads, are not to be had.
    """
    if name == "cvvdp":
        return _package("pycvvdp", name).cvvdp(display_name="standard_4k", device=device)
    try:
        return _package("DISTS_pytorch", name).DISTS().eval().to(device)
    except OSError as error:
        raise UnavailableError(f"{name} downloads weights at its first use, which failed: {error}") from None


METRICS: dict[str, Metric] = {
    "psnr": _psnr,
    "psnr_y": _psnr_y,
    "ms_ssim": _ms_ssim,
    "ssimulacra2": _ssimulacra2,
    "cvvdp": _cvvdp,
    "iw_ssim": _by_package("iw_ssim"),
    "psnr_hvs": _by_package("psnr_hvs"),
    "lpips": _by_package("lpips"),
    "flip": _by_package("flip"),
    "dists": _dists,
}
DERIVED: dict[str, tuple[str, Callable[[float], float]]] = {
    "ms_ssim": ("ms_ssim_db", ms_ssim_decibels),
    "iw_ssim": ("iw_ssim_db", ms_ssim_decibels),
    "lpips": ("lpips_db", lambda value: decibels(value, 1.0)),
    "flip": ("flip_db", lambda value: decibels(value, 1.0)),
}
"""Other forms of metrics that rise with quality nearly as its logarithm does, so that BD-rates can be computed."""
UNITS = {
    "psnr": "PSNR RGB, dB",
    "psnr_y": "PSNR Y, dB",
    "ms_ssim": "MS-SSIM",
    "ms_ssim_db": "MS-SSIM, dB",
    "ssimulacra2": "SSIMULACRA 2",
    "cvvdp": "ColorVideoVDP, JOD",
    "iw_ssim": "IW-SSIM",
    "iw_ssim_db": "IW-SSIM, dB",
    "psnr_hvs": "PSNR-HVS, dB",
    "lpips": "LPIPS (lower is better)",
    "lpips_db": "LPIPS, dB",
    "flip": "FLIP (lower is better)",
    "flip_db": "FLIP, dB",
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
    if name in ("cvvdp", "dists"):
        _network(name, torch.device("cpu"))
    elif name in ("iw_ssim", "psnr_hvs", "lpips", "flip"):
        _package("frame_analytics", name)


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
