"""What this machine computes fastest in: measured, since bfloat16 without hardware for it is an order slower."""

import time
from collections.abc import Callable

import torch
from torch import nn


def _seconds(run: Callable[[], object], repeats: int = 5) -> float:
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_gmacs(device: torch.device, dtype: torch.dtype) -> float:
    """Multiply–accumulates a second, in billions, of a 1024² matrix product."""
    a = torch.rand(1024, 1024, device=device).to(dtype)

    def run() -> None:
        torch.mm(a, a)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return 1024**3 / _seconds(run) / 1e9


def choose_autocast(device: torch.device) -> torch.dtype:
    """bfloat16 where a block of the network is at least 1.2 times as fast in it, float32 elsewhere."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type != "cpu":
        return torch.float32
    conv = nn.Conv2d(128, 128, 1)
    x = torch.rand(4, 128, 32, 32).contiguous(memory_format=torch.channels_last)

    def run() -> None:
        conv(x).sum().backward()

    def run_low() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            conv(x).sum().backward()

    return torch.bfloat16 if _seconds(run_low) * 1.2 < _seconds(run) else torch.float32
