"""Speed of a training run against the speed of the machine."""

import time

import torch


def peak_gmacs(device: torch.device, dtype: torch.dtype, repeats: int = 5) -> float:
    """Measure a 1024² matrix product, the best of several runs, in 10⁹ multiply–accumulates per second."""
    a = torch.rand(1024, 1024, device=device).to(dtype)
    best = float("inf")
    for _ in range(1 + repeats):
        start = time.perf_counter()
        torch.mm(a, a)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()
        best = min(best, time.perf_counter() - start)
    return 1024**3 / best / 1e9
